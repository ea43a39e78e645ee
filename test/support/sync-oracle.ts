import type { Counts } from '../../src/index.ts'

/**
 * What a sync has to do, on plain maps and written apart from the product's code: no bytes, no order, no batches, no
 * fingerprints. It knows what the contract says, and the outcome of every row is computed one by one.
 */

export type Text = string | null
/** A record by column, the key columns among them. */
export type Values = Readonly<Record<string, Text>>

export interface OracleField {
  readonly name: string
  /** Columns whose text decides whether the field has changed. */
  readonly reads: readonly string[]
  /** The value; undefined where it does not fit. */
  readonly value: (row: Values) => Text | undefined
  readonly nulls: 'write' | 'skip'
  readonly on: 'always' | 'insert'
}

export interface OracleSync {
  readonly mode: 'mirror' | 'upsert' | 'update-only' | 'delete-only' | 'insert-only'
  readonly scope: 'all' | 'seen'
  readonly bootstrap: 'list' | 'empty'
  readonly refresh: 'always' | 'never'
  readonly deletesAs: 'delete' | 'clear' | Values
  readonly key: readonly string[]
  readonly mapping: { readonly name: string; readonly fields: readonly OracleField[] }
  readonly maxDeletes: { readonly count: number } | { readonly percent: number } | undefined
  /** Whether the destination takes a record. */
  readonly accepts: (record: Values) => boolean
}

export interface OracleRun {
  readonly full: boolean
  readonly allowEmpty: boolean
  readonly allowInvalid: boolean
  readonly allowDeletes: boolean
}

/** What is known of a record: its content where it was written, and whether the model ever held its key. */
interface Known {
  content: string | undefined
  met: boolean
  retired: boolean
}

const MODES = {
  mirror: { insert: true, update: true, delete: true },
  upsert: { insert: true, update: true, delete: false },
  'update-only': { insert: false, update: true, delete: false },
  'delete-only': { insert: false, update: false, delete: true },
  'insert-only': { insert: true, update: false, delete: false },
}

export interface Expected {
  readonly counts: Counts
  readonly guards: readonly string[]
}

export interface Oracle {
  /** What the destination holds, by key. Others may edit it. */
  readonly records: Map<string, Values>
  /** A record as the table makes it of what is written, the rest by default. */
  readonly blank: Values
  run(sync: OracleSync, model: readonly Values[], run: OracleRun): Expected
}

export function keyOf(columns: readonly string[], row: Values): string {
  return JSON.stringify(columns.map((column) => row[column]))
}

export function oracle(blank: Values): Oracle {
  const records = new Map<string, Values>()
  const known = new Map<string, Known>()
  let first = true
  let listed = false

  function list(): void {
    listed = true
    for (const key of known.keys()) if (!records.has(key)) known.delete(key)
    for (const key of records.keys())
      if (!known.has(key)) known.set(key, { content: undefined, met: false, retired: false })
  }

  function run(sync: OracleSync, model: readonly Values[], options: OracleRun): Expected {
    const counts = noCounts()
    const sends = MODES[sync.mode]
    if (first ? sync.bootstrap === 'list' : sync.refresh === 'always') list()
    first = false
    const mayDelete = ({ met, retired }: Known) => !retired && sends.delete && (sync.scope === 'all' || met)
    const inScope = [...known.values()].filter(mayDelete).length

    // Modes that only insert or only update delete nothing, so they need not remember whose key they met.
    const remembers = (sends.insert && sends.update) || (sends.delete && sync.scope === 'seen')
    const copies = new Map<string, number>()
    let unkeyed = 0
    for (const row of model) {
      if (sync.key.some((column) => row[column] === null)) unkeyed++
      else copies.set(keyOf(sync.key, row), (copies.get(keyOf(sync.key, row)) ?? 0) + 1)
    }
    const missing = [...known].filter(([key, entry]) => !copies.has(key) && !entry.retired)
    for (const row of model) {
      counts.read++
      const key = keyOf(sync.key, row)
      if (copies.get(key) === 1) counts[fate(sync, options, key, row)]++
      else {
        counts.invalid++
        const entry = known.get(key)
        if (entry !== undefined && remembers) meet(entry)
      }
    }

    counts.missing = missing.length
    const deletes = missing.filter(([, entry]) => mayDelete(entry))
    counts.kept = missing.length - deletes.length
    const guards = guardsOf(sync, options, { rows: model.length, unkeyed, deletes: deletes.length, inScope })
    if (guards.length > 0) counts.held = deletes.length
    else
      for (const [key] of deletes) {
        counts.deleted++
        remove(sync, key)
      }
    return { counts, guards }
  }

  /** The model holds the key: scope `seen` may delete the record once it does not. */
  function meet(entry: Known): void {
    if (!entry.retired) entry.met = true
  }

  function fate(sync: OracleSync, options: OracleRun, key: string, row: Values): keyof Counts {
    const sends = MODES[sync.mode]
    const entry = known.get(key)
    const reads = [...new Set(sync.mapping.fields.flatMap((field) => field.reads))]
    const content = JSON.stringify([sync.mapping.name, reads.map((column) => row[column])])
    if (!options.full && entry !== undefined && !entry.retired && entry.content === content) return 'unchanged'
    const asks = sends.update && !sends.insert && !listed
    const isInsert = entry === undefined && !asks
    if (!(isInsert ? sends.insert : sends.update)) {
      if (sends.delete && entry !== undefined && sync.scope === 'seen') meet(entry)
      if (sends.delete && entry === undefined && !listed)
        known.set(key, { content: undefined, met: true, retired: false })
      return 'skipped'
    }
    const values = new Map(sync.mapping.fields.map((field) => [field, field.value(row)]))
    if ([...values.values()].includes(undefined)) {
      if (entry !== undefined) meet(entry)
      return 'invalid'
    }

    const existing = records.get(key)
    if (existing === undefined && !isInsert && !sends.insert) {
      known.delete(key)
      return 'skipped'
    }
    const created = { ...blank, ...Object.fromEntries([...values].map(([{ name }, value]) => [name, value as Text])) }
    if (existing !== undefined && isInsert && !sends.update) {
      // A database looks at its constraints before it looks for the record.
      if (!sync.accepts(created)) return 'rejected'
      known.set(key, { content: undefined, met: true, retired: false })
      return 'skipped'
    }
    const record: Record<string, Text> = { ...(existing ?? created) }
    for (const [field, value] of existing === undefined ? [] : values) {
      if (field.on === 'insert' || (field.nulls === 'skip' && value === null)) continue
      record[field.name] = value as Text
    }
    // A record that is back is not deleted any more.
    if (typeof sync.deletesAs === 'object')
      for (const name of Object.keys(sync.deletesAs))
        if (!sync.mapping.fields.some((field) => field.name === name)) record[name] = null
    if (!sync.accepts(record)) {
      if (existing === undefined) known.delete(key)
      else if (entry !== undefined) meet(entry)
      return 'rejected'
    }
    records.set(key, record)
    known.set(key, { content, met: true, retired: false })
    return isInsert || existing === undefined ? 'inserted' : 'updated'
  }

  function remove(sync: OracleSync, key: string): void {
    const record = records.get(key)
    if (sync.deletesAs === 'delete') records.delete(key)
    if (sync.deletesAs === 'delete' || record === undefined) {
      known.delete(key)
      return
    }
    const cleared = sync.mapping.fields.filter(({ name }) => !sync.key.includes(name)).map(({ name }) => [name, null])
    const set = sync.deletesAs === 'clear' ? Object.fromEntries(cleared) : sync.deletesAs
    records.set(key, { ...record, ...set })
    known.set(key, { content: undefined, met: true, retired: true })
  }

  return { records, blank, run }
}

function guardsOf(
  sync: OracleSync,
  options: OracleRun,
  found: { rows: number; unkeyed: number; deletes: number; inScope: number },
): string[] {
  const { rows, unkeyed, deletes, inScope } = found
  if (deletes === 0) return []
  const guards: string[] = []
  if (unkeyed > 0 && !options.allowInvalid) guards.push('invalid_keys')
  if (rows === 0) return options.allowEmpty ? guards : [...guards, 'empty_model']
  const limit = options.allowDeletes ? { percent: 100 } : sync.maxDeletes
  const tooMany =
    limit === undefined
      ? deletes > 20 && deletes > inScope / 10
      : 'count' in limit
        ? deletes > limit.count
        : deletes > (inScope * limit.percent) / 100
  return tooMany ? [...guards, 'max_deletes'] : guards
}

function noCounts(): Counts {
  return {
    read: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    skipped: 0,
    invalid: 0,
    rejected: 0,
    missing: 0,
    deleted: 0,
    kept: 0,
    held: 0,
    delete_rejected: 0,
  }
}
