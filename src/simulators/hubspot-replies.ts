import type { HubspotObjectType } from './hubspot-catalog.ts'
import type { HubspotRecord, HubspotValues } from './hubspot-store.ts'

/** A record in a reply. */
export interface ShownRecord {
  readonly id: string
  readonly properties: Readonly<Record<string, string | null>>
  readonly createdAt: string
  readonly updatedAt: string
  readonly archived: boolean
  readonly archivedAt?: string
  readonly new?: boolean
  readonly objectWriteTraceId?: string
}

/** As a write answers it: what was written, and what every record has. */
export function writtenRecord(
  type: HubspotObjectType,
  record: HubspotRecord,
  written: HubspotValues,
  more: { readonly new?: boolean; readonly objectWriteTraceId?: string } = {},
): ShownRecord {
  const { properties: all } = record
  const properties: Record<string, string | null> = {}
  for (const name in written) properties[name] = all[name] ?? null
  for (const name of ['hs_object_id', type.created, type.modified]) properties[name] = all[name] ?? null
  return shown(record, properties, more)
}

/** As a read answers it: the properties that were asked for, null where one is not set; unknown names are left out. */
export function readRecord(type: HubspotObjectType, record: HubspotRecord, asked: readonly string[]): ShownRecord {
  const { properties: all } = record
  const properties: Record<string, string | null> = {}
  const names = asked.length === 0 ? type.shown : [...asked, 'hs_object_id', type.created, type.modified]
  for (const name of names) if (type.properties.has(name)) properties[name] = all[name] ?? null
  return shown(record, properties)
}

/** The history of values that `propertiesWithHistory` asks for: what a property has now. */
export function historyOf(record: HubspotRecord, names: readonly string[]) {
  const { properties, updatedAt } = record
  const history: Record<string, unknown[]> = {}
  for (const name of names) {
    const value = properties[name]
    history[name] =
      value === undefined ? [] : [{ value, timestamp: updatedAt, sourceType: 'API', sourceId: 'simulator' }]
  }
  return history
}

function shown(
  { id, createdAt, updatedAt, archivedAt }: HubspotRecord,
  properties: Readonly<Record<string, string | null>>,
  more: object = {},
): ShownRecord {
  const archived = archivedAt === undefined ? { archived: false } : { archived: true, archivedAt }
  return { id, properties, createdAt, updatedAt, ...archived, ...more }
}
