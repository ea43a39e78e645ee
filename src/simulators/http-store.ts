import type { SimulatorClock } from './simulator-clock.ts'
import type { SimulatorJournal } from './simulator-journal.ts'

/** A record as it is stored: each field is the text of its JSON. */
export interface StoredRecord {
  /** What the service calls it. */
  readonly id: string
  /** What clients call it. */
  key: string
  readonly fields: Map<string, string>
  /** When it can be found by a search. */
  readonly searchableAt: number
}

interface ChangeToStore {
  readonly request: number
  readonly key: string
  readonly fields: ReadonlyMap<string, string>
}

/** Records by object and key. Every change is in the journal. */
export interface HttpStore {
  get(object: string, key: string): StoredRecord | undefined
  byId(object: string, id: string): StoredRecord | undefined
  /** In the order in which they were made; undefined for an object that nobody has written to. */
  all(object: string): readonly StoredRecord[] | undefined
  create(object: string, change: ChangeToStore): StoredRecord
  update(object: string, record: StoredRecord, change: ChangeToStore): void
  remove(object: string, record: StoredRecord, request: number): void
}

export function httpStore(
  { clock, journal }: { readonly clock: SimulatorClock; readonly journal: Pick<SimulatorJournal, 'write'> },
  searchLagMs: number,
): HttpStore {
  const objects = new Map<string, Map<string, StoredRecord>>()
  const ids = new Map<string, { readonly object: string; readonly record: StoredRecord }>()
  let last = 1_000
  const recordsOf = (object: string) => {
    const found = objects.get(object) ?? new Map<string, StoredRecord>()
    objects.set(object, found)
    return found
  }
  const note = (request: number, object: string, { id, fields }: StoredRecord, change: string) =>
    journal.write({ request, time: clock.now(), object, id, change, values: Object.fromEntries(fields) })
  return {
    get: (object, key) => objects.get(object)?.get(key),
    byId(object, id) {
      const found = ids.get(id)
      return found?.object === object ? found.record : undefined
    },
    all: (object) => (objects.has(object) ? [...recordsOf(object).values()] : undefined),
    create(object, { request, key, fields }) {
      const id = String(++last)
      const record = { id, key, fields: new Map(fields), searchableAt: clock.now() + searchLagMs }
      recordsOf(object).set(key, record)
      ids.set(id, { object, record })
      note(request, object, record, 'created')
      return record
    },
    update(object, record, { request, key, fields }) {
      for (const [name, text] of fields) record.fields.set(name, text)
      if (key !== record.key) {
        recordsOf(object).delete(record.key)
        record.key = key
        recordsOf(object).set(key, record)
      }
      note(request, object, record, 'updated')
    },
    remove(object, record, request) {
      recordsOf(object).delete(record.key)
      ids.delete(record.id)
      note(request, object, record, 'deleted')
    },
  }
}

/** A record as the API prints it: its id, its key and its fields, each with the digits that it was sent with. */
export function printRecord({ id, key, fields }: StoredRecord): string {
  const members = [...fields].map(([name, text]) => `,${JSON.stringify(name)}:${text}`)
  return `{"_id":${JSON.stringify(id)},"_key":${JSON.stringify(key)}${members.join('')}}`
}
