import type { HubspotPropertyOption } from './hubspot-options.ts'

/** An object that every account has. */
interface StandardObject {
  readonly name: string
  readonly singular: string
  readonly typeId: string
  /** What a reply has where no properties were asked for. */
  readonly shown: readonly string[]
  /** When a record was changed last. */
  readonly modified: string
  /** Unique although the metadata does not say so. */
  readonly unique: readonly string[]
  readonly properties: readonly HubspotPropertyOption[]
  /** Scopes of which one is needed, to read and to write. */
  readonly scopes: { readonly read: readonly string[]; readonly write: readonly string[] }
}

const text = (...names: readonly string[]): HubspotPropertyOption[] => names.map((name) => ({ name }))
const numbers = (...names: readonly string[]): HubspotPropertyOption[] =>
  names.map((name) => ({ name, type: 'number' }))
const choice = (name: string, options: string, several = false): HubspotPropertyOption => ({
  name,
  type: 'enumeration',
  field_type: several ? 'checkbox' : 'select',
  options: options.split(' '),
})
const external = (name: string): HubspotPropertyOption => ({
  name,
  type: 'enumeration',
  field_type: 'select',
  external_options: true,
})

/** The stages of a life cycle, in the order in which a record may move through them. */
export const LIFECYCLE_STAGES =
  'subscriber lead marketingqualifiedlead salesqualifiedlead opportunity customer evangelist other'

const OWNER = external('hubspot_owner_id')
const LIFECYCLE = choice('lifecyclestage', LIFECYCLE_STAGES)

/** What every record has, and nobody sets. */
export function ownProperties(created: string, modified: string): HubspotPropertyOption[] {
  return [
    { name: 'hs_object_id', type: 'number', read_only: true },
    { name: created, type: 'datetime', read_only: true },
    { name: modified, type: 'datetime', read_only: true },
    {
      name: 'hs_merged_object_ids',
      type: 'enumeration',
      field_type: 'checkbox',
      external_options: true,
      read_only: true,
    },
  ]
}

const objectScopes = (name: string) => ({ read: [`crm.objects.${name}.read`], write: [`crm.objects.${name}.write`] })

/** A part of what HubSpot defines: what a sync meets most. */
export const STANDARD_OBJECTS: readonly StandardObject[] = [
  {
    name: 'contacts',
    singular: 'contact',
    typeId: '0-1',
    shown: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
    modified: 'lastmodifieddate',
    unique: ['email'],
    scopes: objectScopes('contacts'),
    properties: [
      ...text(
        'email',
        'firstname',
        'lastname',
        'salutation',
        'company',
        'jobtitle',
        'website',
        'address',
        'city',
        'state',
      ),
      ...text('zip', 'country', 'date_of_birth', 'hs_language', 'twitterhandle', 'message'),
      { name: 'phone', type: 'phone_number' },
      { name: 'mobilephone', type: 'phone_number' },
      { name: 'closedate', type: 'datetime' },
      { name: 'hs_additional_emails', type: 'enumeration', field_type: 'checkbox', external_options: true },
      { name: 'hs_email_domain', calculated: true },
      { name: 'num_associated_deals', type: 'number', calculated: true },
      { name: 'hs_email_optout', type: 'bool' },
      ...numbers('annualrevenue', 'numemployees', 'total_revenue'),
      choice('hs_lead_status', 'NEW OPEN IN_PROGRESS OPEN_DEAL UNQUALIFIED ATTEMPTED_TO_CONTACT CONNECTED BAD_TIMING'),
      LIFECYCLE,
      OWNER,
    ],
  },
  {
    name: 'companies',
    singular: 'company',
    typeId: '0-2',
    shown: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
    modified: 'hs_lastmodifieddate',
    unique: [],
    scopes: objectScopes('companies'),
    properties: [
      ...text(
        'name',
        'domain',
        'website',
        'phone',
        'address',
        'city',
        'state',
        'zip',
        'country',
        'description',
        'timezone',
      ),
      ...text('founded_year', 'linkedin_company_page'),
      ...numbers('numberofemployees', 'annualrevenue'),
      { name: 'is_public', type: 'bool' },
      { name: 'num_associated_contacts', type: 'number', calculated: true },
      choice('type', 'PROSPECT PARTNER RESELLER VENDOR OTHER'),
      choice(
        'industry',
        'ACCOUNTING BANKING COMPUTER_SOFTWARE CONSTRUCTION EDUCATION_MANAGEMENT INTERNET RETAIL UTILITIES',
      ),
      LIFECYCLE,
      OWNER,
    ],
  },
  {
    name: 'deals',
    singular: 'deal',
    typeId: '0-3',
    shown: [
      'amount',
      'closedate',
      'createdate',
      'dealname',
      'dealstage',
      'hs_lastmodifieddate',
      'hs_object_id',
      'pipeline',
    ],
    modified: 'hs_lastmodifieddate',
    unique: [],
    scopes: objectScopes('deals'),
    properties: [
      ...text('dealname', 'description', 'deal_currency_code'),
      ...numbers('amount'),
      { name: 'closedate', type: 'datetime' },
      { name: 'hs_is_closed', type: 'bool', calculated: true },
      external('dealstage'),
      external('pipeline'),
      choice('dealtype', 'newbusiness existingbusiness'),
      choice('hs_priority', 'low medium high'),
      OWNER,
    ],
  },
  {
    name: 'tickets',
    singular: 'ticket',
    typeId: '0-5',
    shown: [
      'content',
      'createdate',
      'hs_lastmodifieddate',
      'hs_object_id',
      'hs_pipeline',
      'hs_pipeline_stage',
      'subject',
    ],
    modified: 'hs_lastmodifieddate',
    unique: ['hs_external_object_ids'],
    scopes: { read: ['tickets', 'crm.objects.tickets.read'], write: ['tickets', 'crm.objects.tickets.write'] },
    properties: [
      ...text('subject', 'content', 'hs_external_object_ids'),
      external('hs_pipeline'),
      external('hs_pipeline_stage'),
      choice('hs_ticket_priority', 'LOW MEDIUM HIGH URGENT'),
      choice('hs_ticket_category', 'PRODUCT_ISSUE BILLING_ISSUE FEATURE_REQUEST GENERAL_INQUIRY', true),
      OWNER,
    ],
  },
  {
    name: 'products',
    singular: 'product',
    typeId: '0-7',
    shown: ['createdate', 'description', 'hs_lastmodifieddate', 'hs_object_id', 'name', 'price'],
    modified: 'hs_lastmodifieddate',
    unique: ['hs_sku'],
    scopes: { read: ['e-commerce', 'crm.objects.products.read'], write: ['e-commerce', 'crm.objects.products.write'] },
    properties: [
      ...text('name', 'description', 'hs_sku', 'hs_url'),
      ...numbers('price', 'hs_cost_of_goods_sold'),
      choice('recurringbillingfrequency', 'weekly monthly quarterly annually'),
      choice('hs_product_type', 'inventory non_inventory service'),
    ],
  },
]
