import type { HubspotAccount } from './hubspot-account.ts'
import { type HubspotObjectType, type HubspotProperty, propertyOf } from './hubspot-catalog.ts'
import { refusal, validation } from './hubspot-errors.ts'
import type { HubspotPropertyOption } from './hubspot-options.ts'
import type { HubspotStore } from './hubspot-store.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'

/** `GET properties/{object}`. */
export function listProperties(_: HubspotAccount, { type }: HubspotStore): SimulatorReply {
  return { status: 200, body: { results: [...type.properties.values()].map(shownProperty) } }
}

/** `GET properties/{object}/{name}`. */
export function getProperty(_: HubspotAccount, { type }: HubspotStore, request: SimulatorRequest): SimulatorReply {
  const name = request.params['name'] as string
  const property = type.properties.get(name)
  if (property !== undefined) return { status: 200, body: shownProperty(property) }
  const message = `Property "${name}" does not exist`
  return refusal(request.n, { status: 404, category: 'OBJECT_NOT_FOUND', message })
}

/** `POST properties/{object}`. */
export function createProperty(
  account: HubspotAccount,
  { type }: HubspotStore,
  request: SimulatorRequest,
): SimulatorReply {
  const body = (jsonBody(request) ?? {}) as Record<string, unknown>
  const unset = ['name', 'label', 'type', 'fieldType', 'groupName'].filter((key) => typeof body[key] !== 'string')
  if (unset.length > 0) {
    return refusal(
      request.n,
      validation(`Invalid input JSON: Some required fields were not set: [${unset.join(', ')}]`),
    )
  }
  const name = String(body['name'])
  if (!/^[a-z][a-z0-9_]*$/.test(name)) {
    return refusal(
      request.n,
      validation(`Property name ${name} has to begin with a letter, and hold a-z, 0-9 and _ alone`),
    )
  }
  if (type.properties.has(name)) {
    return refusal(request.n, {
      status: 409,
      category: 'CONFLICT',
      message: `A property named '${name}' already exists.`,
    })
  }
  const unique = body['hasUniqueValue'] === true
  const uniques = [...type.properties.values()].filter(({ hasUniqueValue }) => hasUniqueValue).length
  if (unique && uniques >= account.catalog.maxUnique) {
    return refusal(
      request.n,
      validation(`There are ${uniques} unique properties already, ${account.catalog.maxUnique} are allowed`),
    )
  }
  const options = Array.isArray(body['options']) ? (body['options'] as { value?: unknown; label?: unknown }[]) : []
  const option: HubspotPropertyOption = {
    name,
    label: String(body['label']),
    type: body['type'] as 'string',
    field_type: String(body['fieldType']),
    options: options.map(({ value }) => String(value)),
    unique,
  }
  const property: HubspotProperty = {
    ...propertyOf(option, false, account.clock.now()),
    groupName: String(body['groupName']),
    ...(options.length === 0
      ? {}
      : { options: options.map(({ value, label }) => ({ label: String(label ?? value), value: String(value) })) }),
  }
  type.properties.set(name, property)
  return { status: 201, body: shownProperty(property) }
}

function shownProperty(property: HubspotProperty) {
  const { name, label, type, fieldType, groupName, description, options, externalOptions, hasUniqueValue } = property
  const { calculated, readOnlyValue, hubspotDefined, createdAt } = property
  const time = new Date(createdAt).toISOString()
  return {
    name,
    label,
    type,
    fieldType,
    groupName,
    description,
    options: options.map((option, displayOrder) => ({ ...option, displayOrder, hidden: false, description: '' })),
    externalOptions,
    hasUniqueValue,
    calculated,
    hubspotDefined,
    ...(name === 'hubspot_owner_id' ? { referencedObjectType: 'OWNER' } : {}),
    displayOrder: -1,
    hidden: false,
    formField: !readOnlyValue,
    archived: false,
    createdAt: time,
    updatedAt: time,
    modificationMetadata: {
      archivable: !hubspotDefined,
      readOnlyDefinition: hubspotDefined,
      readOnlyOptions: hubspotDefined,
      readOnlyValue,
    },
  }
}

/** `GET schemas`: custom objects alone. */
export function listSchemas({ catalog, options, clock }: HubspotAccount): SimulatorReply {
  const custom = catalog.types.filter(({ fullyQualifiedName }) => fullyQualifiedName !== undefined)
  return { status: 200, body: { results: custom.map((type) => shownSchema(type, options.portal, clock.now())) } }
}

/** `GET schemas/{object}`. */
export function getSchema({ options, clock }: HubspotAccount, { type }: HubspotStore): SimulatorReply {
  return { status: 200, body: shownSchema(type, options.portal, clock.now()) }
}

function shownSchema(type: HubspotObjectType, portalId: number, now: number) {
  const [first] = [...type.properties.values()].filter(({ hubspotDefined }) => !hubspotDefined)
  const time = new Date(now).toISOString()
  return {
    id: type.typeId.split('-')[1],
    objectTypeId: type.typeId,
    fullyQualifiedName: type.fullyQualifiedName ?? type.singular.toUpperCase(),
    name: type.name,
    portalId,
    labels: { singular: type.singular, plural: type.name },
    requiredProperties: type.required,
    searchableProperties: first === undefined ? [] : [first.name],
    secondaryDisplayProperties: [],
    primaryDisplayProperty: first?.name ?? 'hs_object_id',
    properties: [...type.properties.values()].map(shownProperty),
    associations: [],
    archived: false,
    createdAt: time,
    updatedAt: time,
  }
}

/** `GET property-validations/{object}`: what an administrator has set, which version 2026-09 enforces. */
export function listRules(_: HubspotAccount, { type }: HubspotStore): SimulatorReply {
  const ruled = [...type.properties.values()].filter(({ rules }) => rules.length > 0)
  const results = ruled.map(({ name, rules }) => ({
    propertyName: name,
    propertyValidationRules: rules.map((rule) => ({ ruleType: rule.type, ruleArguments: rule.arguments })),
  }))
  return { status: 200, body: { results } }
}
