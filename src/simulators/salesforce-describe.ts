import { type Field, type ObjectModel, relationshipOf } from './salesforce-model.ts'
import { objectOf, type SalesforceWorld } from './salesforce-world.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** What the API says of itself: versions, resources, limits, objects and their fields. */
export function describeRoutes(world: SalesforceWorld, dailyUse: () => { used: number; of: number }): SimulatorRoute[] {
  const data = '/services/data/:version'
  const changedAt = Math.floor(world.clock.now() / 1000) * 1000
  const unchanged = (request: SimulatorRequest, body: () => unknown): SimulatorReply => {
    const since = Date.parse(String(request.headers['if-modified-since'] ?? ''))
    const headers = { 'last-modified': new Date(changedAt).toUTCString() }
    return since >= changedAt ? { status: 304, headers } : { status: 200, headers, body: body() }
  }
  const list = (request: SimulatorRequest) => ({
    encoding: 'UTF-8',
    maxBatchSize: 200,
    sobjects: [...world.models.values()].map((model) => objectBody(model, request)),
  })
  return [
    { method: 'GET', path: '/services/data', handle: () => ({ status: 200, body: VERSIONS.map(versionBody) }) },
    { method: 'GET', path: data, handle: (request) => ({ status: 200, body: resources(request) }) },
    {
      method: 'GET',
      path: `${data}/limits`,
      handle: () => {
        const { used, of } = dailyUse()
        const limit = (Max: number, Remaining: number) => ({ Max, Remaining })
        const body = {
          DailyApiRequests: limit(of, Math.max(0, of - used)),
          DailyBulkV2QueryJobs: limit(10_000, 10_000),
          DailyBulkApiBatches: limit(15_000, 15_000),
          DataStorageMB: limit(1024, 1024),
        }
        return { status: 200, body }
      },
    },
    { method: 'GET', path: `${data}/sobjects`, handle: (request) => unchanged(request, () => list(request)) },
    {
      method: 'GET',
      path: `${data}/sobjects/:object/describe`,
      handle: (request) => {
        const { model } = objectOf(world, request.params['object'] as string)
        const body = () => ({
          ...objectBody(model, request),
          fields: model.fields.map((field) => fieldBody(field, model)),
        })
        return unchanged(request, body)
      },
    },
  ]
}

/** 41 is the first with Bulk API 2.0. */
export const VERSIONS = Array.from({ length: 27 }, (_, at) => at + 41)

function versionBody(version: number) {
  return { label: `Version ${version}`, url: `/services/data/v${version}.0`, version: `${version}.0` }
}

function resources({ params }: SimulatorRequest): Record<string, string> {
  const names = ['sobjects', 'query', 'queryAll', 'limits', 'composite', 'jobs']
  return Object.fromEntries(names.map((name) => [name, `/services/data/${params['version']}/${name}`]))
}

function objectBody(model: ObjectModel, { params }: SimulatorRequest) {
  const { name, label, keyPrefix } = model
  const url = `/services/data/${params['version']}/sobjects/${name}`
  return {
    name,
    label,
    labelPlural: `${label}s`,
    keyPrefix,
    custom: name.endsWith('__c'),
    createable: model.createable !== false,
    updateable: model.updateable !== false,
    deletable: model.deletable !== false,
    undeletable: model.deletable !== false,
    queryable: true,
    retrieveable: true,
    searchable: true,
    layoutable: true,
    triggerable: true,
    mergeable: ['Account', 'Contact', 'Lead'].includes(name),
    replicateable: true,
    deprecatedAndHidden: false,
    customSetting: false,
    feedEnabled: false,
    hasSubtypes: false,
    isInterface: false,
    isSubtype: false,
    activateable: false,
    mruEnabled: true,
    urls: { sobject: url, describe: `${url}/describe`, rowTemplate: `${url}/{ID}` },
  }
}

const SOAP_TYPES: Readonly<Partial<Record<Field['type'], string>>> = {
  id: 'tns:ID',
  reference: 'tns:ID',
  boolean: 'xsd:boolean',
  int: 'xsd:int',
  double: 'xsd:double',
  currency: 'xsd:double',
  percent: 'xsd:double',
  date: 'xsd:date',
  datetime: 'xsd:dateTime',
}
const NUMBERS: readonly Field['type'][] = ['double', 'currency', 'percent']

function fieldBody(field: Field, model: ObjectModel) {
  const { name, label, type, length } = field
  const custom = name.endsWith('__c')
  const soapType = SOAP_TYPES[type] ?? 'xsd:string'
  const isText = soapType === 'xsd:string' || soapType === 'tns:ID'
  const isNumber = NUMBERS.includes(type)
  const given = model.nameOf === undefined && name === 'Name' && field.required !== true
  const system = ['Id', 'IsDeleted', 'CreatedDate', 'LastModifiedDate', 'SystemModstamp'].includes(name)
  return {
    name,
    label,
    type,
    soapType,
    custom,
    length,
    byteLength: isText ? length * 3 : 0,
    precision: isNumber ? (field.precision ?? 18) : 0,
    scale: isNumber ? (field.scale ?? 0) : 0,
    digits: type === 'int' ? 9 : 0,
    externalId: field.externalId === true,
    idLookup: field.idLookup === true || field.externalId === true,
    unique: field.unique === true,
    caseSensitive: field.caseSensitive === true,
    createable: field.createable,
    updateable: field.updateable,
    nillable: field.required !== true && type !== 'boolean' && !system && !given,
    defaultedOnCreate: field.default !== undefined || type === 'boolean' || system || given,
    defaultValue: field.default ?? (type === 'boolean' ? false : null),
    calculated: field.calculated === true && custom,
    autoNumber: field.autoNumber === true,
    nameField: name === 'Name',
    picklistValues: (field.values ?? []).map((value) => ({
      value,
      label: value,
      active: true,
      defaultValue: value === field.default,
      validFor: null,
    })),
    restrictedPicklist: field.restricted === true,
    referenceTo: field.referenceTo ?? [],
    relationshipName: type === 'reference' ? relationshipOf(field) : null,
    polymorphicForeignKey: (field.referenceTo?.length ?? 0) > 1,
    filterable: type !== 'textarea',
    sortable: type !== 'textarea' && type !== 'multipicklist',
    groupable: false,
    aggregatable: true,
    permissionable: !system && field.required !== true,
    deprecatedAndHidden: false,
    dependentPicklist: false,
    encrypted: false,
    namePointing: false,
    restrictedDelete: false,
    cascadeDelete: false,
    htmlFormatted: false,
    inlineHelpText: null,
    compoundFieldName: model.nameOf?.some((part) => part === field) ? 'Name' : null,
  }
}
