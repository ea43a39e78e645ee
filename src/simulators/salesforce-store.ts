import { fullId, recordId } from './salesforce-id.ts'
import type { Field, FieldValue, ObjectModel } from './salesforce-model.ts'
import { timeText } from './salesforce-values.ts'
import type { JournalWrite } from './simulator-journal.ts'

/** A record. Its values stand in the order of the object's fields, and are replaced, never changed. */
export interface StoredRecord {
  readonly id: string
  values: readonly FieldValue[]
  /** When it went into the recycle bin: milliseconds since 1970. */
  deletedAt: number | undefined
}

/** What a row sets. `undefined` leaves its field as it is. The journal keeps it: it must not be changed. */
export interface RowValues {
  readonly fields: readonly Field[]
  readonly values: readonly (FieldValue | undefined)[]
}

/** Who writes, and when: for the journal and the stamps of a record. */
export interface WriteContext {
  readonly request: number | null
  readonly time: number
}

export interface ObjectStore {
  readonly model: ObjectModel
  /** The record with this id (15 or 18 characters), deleted ones too. */
  byId(id: string): StoredRecord | undefined
  /** Those in use that have this value in an indexed field. */
  byIndex(field: Field, value: FieldValue): readonly StoredRecord[]
  /** `values` are all that the record has then, `row` is what the journal says. */
  insert(values: FieldValue[], row: RowValues, context: WriteContext): StoredRecord
  update(record: StoredRecord, values: FieldValue[], row: RowValues, context: WriteContext): void
  /** Into the recycle bin, or away for good. */
  remove(record: StoredRecord, forGood: boolean, context: WriteContext): void
  /** By id, deleted ones too. */
  all(): Iterable<StoredRecord>
}

export interface RecordStore {
  of(object: string): ObjectStore | undefined
  /** Does the work; where it answers false, as if it had not been done. */
  transaction(work: () => boolean): void
}

/** Records stay in the recycle bin for 15 days. */
const RECYCLE_BIN_MS = 15 * 86_400_000

interface StoreContext {
  readonly write: (entry: Omit<JournalWrite, 'n'>) => void
  readonly now: () => number
}

export function recordStore(models: ReadonlyMap<string, ObjectModel>, { write, now }: StoreContext): RecordStore {
  let pending: { readonly undo: (() => void)[]; readonly writes: Omit<JournalWrite, 'n'>[] } | undefined
  const committed = (entry: Omit<JournalWrite, 'n'>, undo: () => void) => {
    if (pending === undefined) return write(entry)
    pending.writes.push(entry)
    pending.undo.push(undo)
  }
  const stores = new Map([...models].map(([name, model]) => [name, objectStore(model, now, committed)]))
  return {
    of: (object) => stores.get(object),
    transaction(work) {
      const undo: (() => void)[] = []
      const writes: Omit<JournalWrite, 'n'>[] = []
      pending = { undo, writes }
      let kept = false
      try {
        kept = work()
      } finally {
        pending = undefined
        if (!kept) for (const step of undo.reverse()) step()
      }
      if (kept) for (const entry of writes) write(entry)
    },
  }
}

type Committed = (entry: Omit<JournalWrite, 'n'>, undo: () => void) => void

function objectStore(model: ObjectModel, now: () => number, committed: Committed): ObjectStore {
  const records = new Map<string, StoredRecord>()
  const indexes = model.indexed.map((field) => fieldIndex(field))
  let last = 0
  const stamps = ['CreatedDate', 'LastModifiedDate', 'SystemModstamp'].map((name) => model.byName.get(name) as Field)
  const id = model.byName.get('Id') as Field
  const deleted = model.byName.get('IsDeleted') as Field
  const name = model.byName.get('Name') as Field

  const index = (record: StoredRecord) => {
    for (const { add } of indexes) add(record)
  }
  const unindex = (record: StoredRecord) => {
    for (const { remove } of indexes) remove(record)
  }
  const stamp = (values: FieldValue[], from: number, time: number) => {
    const text = timeText(time)
    for (let at = from; at < stamps.length; at++) values[(stamps[at] as Field).at] = text
    if (model.nameOf === undefined) return
    const [first, second] = model.nameOf
    const given = values[first.at]
    values[name.at] = given === null ? (values[second.at] as FieldValue) : `${given} ${values[second.at]}`
  }
  const become = (record: StoredRecord, values: readonly FieldValue[], deletedAt: number | undefined) => {
    if (record.deletedAt === undefined) unindex(record)
    record.values = values
    record.deletedAt = deletedAt
    if (deletedAt === undefined) index(record)
  }
  const commit = (
    change: string,
    record: StoredRecord,
    { request, time }: WriteContext,
    row: RowValues,
    undo: () => void,
  ) => {
    const values = journalValues(row) as Record<string, unknown>
    committed({ request, time, object: model.name, id: record.id, change, values }, undo)
  }

  return {
    model,
    byId(text) {
      const full = text.length === 18 && records.has(text) ? text : fullId(text)
      const record = full === undefined ? undefined : records.get(full)
      const purged = record?.deletedAt !== undefined && record.deletedAt + RECYCLE_BIN_MS <= now()
      return purged ? undefined : record
    },
    byIndex(field, value) {
      if (value === null) return []
      return indexes[model.indexed.indexOf(field)]?.find(value) ?? []
    },
    insert(values, row, context) {
      const record: StoredRecord = { id: recordId(model.keyPrefix, ++last), values, deletedAt: undefined }
      values[id.at] = record.id
      values[deleted.at] = false
      if (values[name.at] === null) values[name.at] = record.id
      stamp(values, 0, context.time)
      records.set(record.id, record)
      index(record)
      commit('created', record, context, row, () => {
        unindex(record)
        records.delete(record.id)
      })
      return record
    },
    update(record, values, row, context) {
      const before = record.values
      stamp(values, 1, context.time)
      become(record, values, undefined)
      commit('updated', record, context, row, () => become(record, before, undefined))
    },
    remove(record, forGood, context) {
      const before = record.values
      const values = [...before]
      values[deleted.at] = true
      become(record, values, context.time)
      if (forGood) records.delete(record.id)
      commit(forGood ? 'hard_deleted' : 'deleted', record, context, NOTHING, () => {
        records.set(record.id, record)
        become(record, before, undefined)
      })
    },
    all: () => records.values(),
  }
}

/** The journal keeps very many rows: what they wrote is named when somebody asks for it. */
function journalValues({ fields, values }: RowValues): object {
  return { __proto__: JOURNAL_VALUES, fields, values }
}

const JOURNAL_VALUES = {
  toJSON(this: RowValues) {
    const named = this.fields.map(({ name }, at) => [name, this.values[at]] as const)
    return Object.fromEntries(named.filter(([, value]) => value !== undefined))
  },
}

const NOTHING: RowValues = { fields: [], values: [] }

interface FieldIndex {
  add(record: StoredRecord): void
  remove(record: StoredRecord): void
  find(value: FieldValue): readonly StoredRecord[]
}

/** A list only where several records have the value: most have one of their own. */
function fieldIndex(field: Field): FieldIndex {
  const entries = new Map<string, StoredRecord | StoredRecord[]>()
  const keyOf = ({ values }: StoredRecord) => {
    const value = values[field.at] as FieldValue
    return value === null ? undefined : indexKey(field, value)
  }
  return {
    add(record) {
      const key = keyOf(record)
      if (key === undefined) return
      const found = entries.get(key)
      if (found === undefined) entries.set(key, record)
      else if (Array.isArray(found)) found.push(record)
      else entries.set(key, [found, record])
    },
    remove(record) {
      const key = keyOf(record)
      if (key === undefined) return
      const found = entries.get(key)
      if (found === record) entries.delete(key)
      else if (Array.isArray(found)) {
        const rest = found.filter((other) => other !== record)
        entries.set(key, rest.length === 1 ? (rest[0] as StoredRecord) : rest)
      }
    },
    find(value) {
      const found = entries.get(indexKey(field, value))
      return found === undefined ? [] : Array.isArray(found) ? found : [found]
    },
  }
}

/** Values that are one: by default a text's case does not count. */
export function indexKey(field: Field, value: FieldValue): string {
  const text = String(value)
  return field.caseSensitive === true || typeof value !== 'string' ? text : text.toLowerCase()
}

export function valuesOf(values: readonly FieldValue[], fields: readonly Field[]): Record<string, FieldValue> {
  const named: Record<string, FieldValue> = {}
  for (const { name, at } of fields) named[name] = values[at] ?? null
  return named
}
