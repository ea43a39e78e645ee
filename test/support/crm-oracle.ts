import type { SyncMode } from '../../src/index.ts'
import type { CrmRecord, CrmSync } from './crm-target.ts'

/** A row of the model. */
export interface CrmRow {
  readonly id: string
  readonly email: string
  readonly name: string
}

interface Kept {
  ref: string | null
  email: string | null
  name: string | null
  note: string | null
}

export interface CrmExpected {
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

/**
 * What a sync without faults has to do to the records of a CRM, computed row by row on plain objects. A record belongs to
 * the row that it was made for or that found it, whatever its address becomes.
 */
export interface CrmOracle {
  readonly records: readonly Kept[]
  run(model: readonly CrmRow[]): CrmExpected
  /** As texts, sorted: what the simulator's records have to be. */
  print(): string[]
}

export function printCrm(records: readonly Omit<CrmRecord, 'id'>[]): string[] {
  return records.map(({ ref, email, name, note }) => `${ref} ${email} ${name} ${note}`).toSorted()
}

const MODES = {
  mirror: ['insert', 'update', 'delete'],
  upsert: ['insert', 'update'],
  'update-only': ['update'],
  'delete-only': ['delete'],
  'insert-only': ['insert'],
} as const satisfies Readonly<Record<SyncMode, readonly string[]>>

export function crmOracle(
  sync: CrmSync,
  mode: SyncMode,
  scope: 'seen' | 'all',
  before: readonly Omit<CrmRecord, 'id'>[],
): CrmOracle {
  const may = (what: 'insert' | 'update' | 'delete') => (MODES[mode] as readonly string[]).includes(what)
  const records: Kept[] = before.map(({ ref, email, name, note }) => ({ ref, email, name, note }))
  /** Of each key that the model ever held. */
  const owned = new Map<string, Kept>()
  const keyOf = (row: CrmRow) => (sync.key === 'id' ? row.id : row.email)
  const find = (row: CrmRow) =>
    records.find((record) => (sync.foundBy === 'ref' ? record.ref === row.id : record.email === row.email))

  function write(row: CrmRow): 'inserted' | 'updated' | undefined {
    const key = keyOf(row)
    const record = owned.get(key) ?? find(row)
    const content = { ref: row.id, email: row.email, name: row.name }
    if (record === undefined) {
      if (!may('insert')) return undefined
      const made = { ...content, note: null }
      records.push(made)
      owned.set(key, made)
      return 'inserted'
    }
    const isNews = !written.has(`${key} ${JSON.stringify(content)}`)
    owned.set(key, record)
    if (!may('update') || !isNews) return undefined
    Object.assign(record, content)
    return 'updated'
  }
  /** What was sent last for a key: a row that did not change is not sent again. */
  const written = new Set<string>()

  return {
    records,
    run(model) {
      const counts = { inserted: 0, updated: 0, deleted: 0 }
      const sent = new Set<string>()
      for (const row of model) {
        const did = write(row)
        if (did !== undefined) counts[did]++
        if (did !== undefined || written.has(contentOf(keyOf(row), row))) sent.add(contentOf(keyOf(row), row))
      }
      written.clear()
      for (const one of sent) written.add(one)
      const keys = new Set(model.map(keyOf))
      if (may('delete')) {
        const doomed = scope === 'all' ? unknownTo(keys) : [...owned].filter(([key]) => !keys.has(key))
        for (const [key, record] of doomed) {
          if (records.includes(record)) counts.deleted++
          records.splice(records.indexOf(record), 1)
          owned.delete(key)
        }
      }
      return counts
    },
    print: () => printCrm(records),
  }

  function unknownTo(keys: ReadonlySet<string>): [string, Kept][] {
    return records.flatMap((record): [string, Kept][] => {
      const key = String(sync.key === 'id' ? record.ref : record.email)
      return keys.has(key) ? [] : [[key, record]]
    })
  }

  function contentOf(key: string, { id, email, name }: CrmRow): string {
    return `${key} ${JSON.stringify({ ref: id, email, name })}`
  }
}
