import { recordId } from './salesforce-id.ts'
import type { SalesforceField, SalesforceObject } from './salesforce-model.ts'

/** Who every token acts for. */
export const INTEGRATION_USER_ID = recordId('005', 1)

/** The built-in objects: the usual fields of Account, Contact and Lead, and an `External_Id__c` on each. */
const EXTERNAL_ID: SalesforceField = {
  name: 'External_Id__c',
  type: 'string',
  label: 'External Id',
  length: 255,
  externalId: true,
  unique: true,
}
const OWNER: SalesforceField = {
  name: 'OwnerId',
  type: 'reference',
  label: 'Owner ID',
  referenceTo: ['User'],
  default: '',
}

const INDUSTRIES = ['Agriculture', 'Banking', 'Education', 'Energy', 'Finance', 'Retail', 'Technology', 'Other']
const SOURCES = ['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other']

function address(prefix: string): SalesforceField[] {
  return [
    { name: `${prefix}Street`, type: 'textarea', length: 255 },
    { name: `${prefix}City`, type: 'string', length: 40 },
    { name: `${prefix}State`, type: 'string', length: 80 },
    { name: `${prefix}PostalCode`, type: 'string', length: 20 },
    { name: `${prefix}Country`, type: 'string', length: 80 },
  ]
}

const PERSON: SalesforceField[] = [
  { name: 'FirstName', type: 'string', label: 'First Name', length: 40 },
  { name: 'LastName', type: 'string', label: 'Last Name', length: 80, required: true },
  { name: 'Name', type: 'string', label: 'Full Name', length: 121, calculated: true },
]

export const BUILT_IN_OBJECTS: readonly SalesforceObject[] = [
  {
    name: 'User',
    keyPrefix: '005',
    createable: false,
    updateable: false,
    deletable: false,
    fields: [
      { name: 'Username', type: 'string', length: 80, required: true },
      { name: 'Name', type: 'string', length: 121 },
      { name: 'Email', type: 'email', length: 80 },
    ],
  },
  {
    name: 'Account',
    keyPrefix: '001',
    fields: [
      { name: 'Name', type: 'string', label: 'Account Name', length: 255, required: true },
      { name: 'Type', type: 'picklist', label: 'Account Type', values: ['Prospect', 'Customer', 'Partner', 'Other'] },
      { name: 'ParentId', type: 'reference', label: 'Parent Account ID', referenceTo: ['Account'] },
      ...address('Billing'),
      { name: 'Phone', type: 'phone', label: 'Account Phone', length: 40 },
      { name: 'AccountNumber', type: 'string', label: 'Account Number', length: 40 },
      { name: 'Website', type: 'url', length: 255 },
      { name: 'Industry', type: 'picklist', values: INDUSTRIES },
      { name: 'AnnualRevenue', type: 'currency', label: 'Annual Revenue', precision: 18, scale: 0 },
      { name: 'NumberOfEmployees', type: 'int', label: 'Employees' },
      { name: 'Rating', type: 'picklist', label: 'Account Rating', values: ['Hot', 'Warm', 'Cold'], restricted: true },
      { name: 'Description', type: 'textarea', label: 'Account Description', length: 32_000 },
      OWNER,
      EXTERNAL_ID,
    ],
  },
  {
    name: 'Contact',
    keyPrefix: '003',
    fields: [
      { name: 'AccountId', type: 'reference', label: 'Account ID', referenceTo: ['Account'] },
      ...PERSON,
      { name: 'Salutation', type: 'picklist', values: ['Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Prof.', 'Mx.'] },
      { name: 'Title', type: 'string', length: 128 },
      { name: 'Department', type: 'string', length: 80 },
      { name: 'Email', type: 'email', length: 80, idLookup: true },
      { name: 'Phone', type: 'phone', label: 'Business Phone', length: 40 },
      { name: 'MobilePhone', type: 'phone', label: 'Mobile Phone', length: 40 },
      ...address('Mailing'),
      { name: 'ReportsToId', type: 'reference', label: 'Reports To ID', referenceTo: ['Contact'] },
      { name: 'Birthdate', type: 'date' },
      { name: 'LeadSource', type: 'picklist', label: 'Lead Source', values: SOURCES, restricted: true },
      { name: 'HasOptedOutOfEmail', type: 'boolean', label: 'Email Opt Out', default: false },
      { name: 'LastContacted__c', type: 'datetime', label: 'Last Contacted' },
      { name: 'LifetimeValue__c', type: 'double', label: 'Lifetime Value', precision: 18, scale: 2 },
      { name: 'Description', type: 'textarea', label: 'Contact Description', length: 32_000 },
      OWNER,
      EXTERNAL_ID,
    ],
  },
  {
    name: 'Lead',
    keyPrefix: '00Q',
    fields: [
      ...PERSON,
      { name: 'Company', type: 'string', length: 255, required: true },
      { name: 'Title', type: 'string', length: 128 },
      ...address(''),
      { name: 'Email', type: 'email', length: 80, idLookup: true },
      { name: 'Phone', type: 'phone', length: 40 },
      { name: 'Website', type: 'url', length: 255 },
      { name: 'LeadSource', type: 'picklist', label: 'Lead Source', values: SOURCES, restricted: true },
      {
        name: 'Status',
        type: 'picklist',
        values: ['Open', 'Contacted', 'Qualified', 'Unqualified'],
        default: 'Open',
      },
      { name: 'Industry', type: 'picklist', values: INDUSTRIES },
      { name: 'NumberOfEmployees', type: 'int', label: 'Employees' },
      { name: 'HasOptedOutOfEmail', type: 'boolean', label: 'Email Opt Out', default: false },
      { name: 'Description', type: 'textarea', label: 'Lead Description', length: 32_000 },
      OWNER,
      EXTERNAL_ID,
    ],
  },
  {
    name: 'Organization',
    keyPrefix: '00D',
    createable: false,
    updateable: false,
    deletable: false,
    fields: [{ name: 'Name', type: 'string', length: 80 }],
  },
]
