import type { HubspotObjectType } from './hubspot-catalog.ts'
import { normalEmail } from './hubspot-values.ts'
import type { SeededRandom } from './simulator-random.ts'

export type HubspotValues = Readonly<Record<string, string>>

export interface HubspotRecord {
  readonly id: string
  /** ISO 8601, as the API writes it. */
  readonly createdAt: string
  readonly updatedAt: string
  /** Undefined while it is not archived. */
  readonly archivedAt: string | undefined
  /** What is not set is not there. */
  readonly properties: HubspotValues
}

/** The records of one object. */
export interface HubspotStore {
  readonly type: HubspotObjectType
  /** A record that is not archived. The id of a merged record finds the one that it was merged into. */
  get(id: string): HubspotRecord | undefined
  getArchived(id: string): HubspotRecord | undefined
  /** By a unique property; a contact by its primary or another address. */
  findBy(property: string, value: string): HubspotRecord | undefined
  create(values: HubspotValues, now: number): HubspotRecord
  /** '' clears a value. */
  update(id: string, values: HubspotValues, now: number): HubspotRecord
  archive(id: string, now: number): void
  /** What `other` alone has goes to `primary`. */
  merge(primary: string, other: string, now: number): HubspotRecord
  /** In the order of their ids, behind `after`, as they were at `time`. */
  list(after: string | undefined, limit: number, archived: boolean, time: number): readonly HubspotRecord[]
  /** What an index knew at a time: as each record was then, archived ones left out. */
  asOf(time: number): HubspotRecord[]
}

/** A record with its past, as far as an index may still be behind. */
interface Row {
  now: HubspotRecord
  readonly past: { readonly until: number; readonly record: HubspotRecord | undefined }[]
}

export function hubspotStore(type: HubspotObjectType, random: SeededRandom, lagMs: number): HubspotStore {
  const rows = new Map<string, Row>()
  const order: Row[] = []
  const merged = new Map<string, string>()
  const unique = new Map<string, Map<string, string>>()
  let lastId = 50_000_000_000

  const rowOf = (id: string): Row | undefined => rows.get(merged.get(id) ?? id)
  const indexOf = (property: string) => {
    const found = unique.get(property) ?? new Map<string, string>()
    unique.set(property, found)
    return found
  }
  const reindex = (id: string, before: HubspotValues, after: HubspotValues, names: readonly string[]) => {
    for (const name of names) {
      if (!type.isUnique(name)) continue
      const index = indexOf(name)
      for (const key of keysOf(name, before)) if (index.get(key) === id) index.delete(key)
      for (const key of keysOf(name, after)) index.set(key, id)
    }
  }
  const replace = (row: Row, record: HubspotRecord, now: number) => {
    remember(row, row.now, now)
    row.now = record
  }
  const remember = (row: Row, record: HubspotRecord | undefined, now: number) => {
    if (lagMs === 0) return
    while (row.past.length > 0 && (row.past[0] as { until: number }).until <= now - lagMs) row.past.shift()
    row.past.push({ until: now, record })
  }
  const set = (row: Row, values: HubspotValues, now: number): HubspotRecord => {
    const before = row.now.properties
    const updatedAt = new Date(now).toISOString()
    const properties: Record<string, string> = { ...before, ...values, [type.modified]: updatedAt }
    for (const name in values) if (values[name] === '') delete properties[name]
    replace(row, { ...row.now, updatedAt, properties }, now)
    const names = Object.keys(values)
    reindex(row.now.id, before, properties, names.includes('hs_additional_emails') ? ['email', ...names] : names)
    return row.now
  }
  const archive = (row: Row, now: number) => {
    reindex(row.now.id, row.now.properties, {}, Object.keys(row.now.properties))
    replace(row, { ...row.now, archivedAt: new Date(now).toISOString() }, now)
  }
  const live = (id: string): Row | undefined => {
    const row = rowOf(id)
    return row?.now.archivedAt === undefined ? row : undefined
  }

  return {
    type,
    get: (id) => live(id)?.now,
    getArchived(id) {
      const row = rowOf(id)
      return row?.now.archivedAt === undefined ? undefined : row.now
    },
    findBy(property, value) {
      const id = unique.get(property)?.get(property === 'email' ? normalEmail(value) : value)
      return id === undefined ? undefined : live(id)?.now
    },
    create(values, now) {
      lastId += 1 + random.below(40)
      const id = String(lastId)
      const time = new Date(now).toISOString()
      const properties: Record<string, string> = {}
      for (const name in values) if (values[name] !== '') properties[name] = values[name] as string
      properties['hs_object_id'] = id
      properties[type.created] = time
      properties[type.modified] = time
      const row: Row = { now: { id, createdAt: time, updatedAt: time, archivedAt: undefined, properties }, past: [] }
      remember(row, undefined, now)
      rows.set(id, row)
      order.push(row)
      reindex(id, {}, properties, Object.keys(values))
      return row.now
    },
    update: (id, values, now) => set(live(id) as Row, values, now),
    archive(id, now) {
      const row = live(id)
      if (row !== undefined) archive(row, now)
    },
    merge(primary, other, now) {
      const survivor = live(primary) as Row
      const loser = live(other) as Row
      const { properties } = loser.now
      archive(loser, now)
      for (const [from, to] of merged) if (to === loser.now.id) merged.set(from, survivor.now.id)
      merged.set(loser.now.id, survivor.now.id)
      return set(survivor, mergedValues(survivor.now, loser.now.id, properties), now)
    },
    list(after, limit, archived, time) {
      const from = after === undefined ? 0 : placeBehind(order, after)
      const found: HubspotRecord[] = []
      for (let at = from; at < order.length && found.length < limit; at++) {
        const record = recordAt(order[at] as Row, time)
        if (record !== undefined && (record.archivedAt !== undefined) === archived) found.push(record)
      }
      return found
    },
    asOf(time) {
      const found: HubspotRecord[] = []
      for (const row of order) {
        const record = recordAt(row, time)
        if (record !== undefined && record.archivedAt === undefined) found.push(record)
      }
      return found
    },
  }
}

/** A record as it was at a time; undefined before it was created. */
function recordAt({ now, past }: Row, time: number): HubspotRecord | undefined {
  const then = past.find(({ until }) => until > time)
  return then === undefined ? now : then.record
}

/** By what a record is found in the index of a property. */
function keysOf(property: string, values: HubspotValues): readonly string[] {
  const value = values[property]
  const own = value === undefined || value === '' ? [] : [value]
  if (property !== 'email') return own
  return [...own, ...(values['hs_additional_emails'] ?? '').split(';').filter((one) => one !== '')]
}

/** What the survivor lacks, and the other's addresses and ids. */
function mergedValues(survivor: HubspotRecord, id: string, lost: HubspotValues): HubspotValues {
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(lost)) {
    if (survivor.properties[name] === undefined) values[name] = value
  }
  const joined = (name: string, more: readonly string[]) => {
    const kept = [survivor.properties[name], ...more]
      .flatMap((part) => part?.split(';') ?? [])
      .filter((one) => one !== '')
    const others = [...new Set(kept)].filter((one) => one !== survivor.properties['email'])
    if (others.length > 0) values[name] = others.join(';')
  }
  joined('hs_merged_object_ids', [lost['hs_merged_object_ids'] ?? '', id])
  if (survivor.properties['email'] !== undefined) {
    joined('hs_additional_emails', [lost['email'] ?? '', lost['hs_additional_emails'] ?? ''])
  }
  return values
}

/** The place of the first row whose id is greater: ids grow in the order of creation. */
function placeBehind(order: readonly Row[], id: string): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (Number((order[middle] as Row).now.id) <= Number(id)) low = middle + 1
    else high = middle
  }
  return low
}
