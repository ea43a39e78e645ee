import { type RawJson, rawText } from './http-raw-json.ts'
import type { HttpStore, StoredRecord } from './http-store.ts'

/** One change that a client asks for. */
export interface AskedChange {
  readonly operation: string
  readonly key: string
  readonly set: ReadonlyMap<string, RawJson>
  /** Written only where the record is made. */
  readonly setOnInsert: ReadonlyMap<string, RawJson>
}

/** What became of it. `error` is there where nothing was done for a reason. */
export interface ChangeResult {
  readonly status: 'created' | 'updated' | 'deleted' | 'not_found' | 'exists' | 'locked' | 'invalid'
  readonly id?: string
  readonly error?: { readonly code: string; readonly message: string }
}

/** The rules of this service: it keeps any field, and refuses texts that begin like this. */
const REFUSED = '!refuse'
/** Refused the first time, and accepted when it comes again. */
const LOCKED = '!lock'

export interface Changes {
  apply(object: string, change: AskedChange, request: number): ChangeResult
  /** What `apply` would refuse it for; nothing is changed. */
  problemOf(change: AskedChange): ChangeResult | undefined
}

export function changes(store: HttpStore): Changes {
  const locked = new Set<string>()
  const problemOf = ({ key, set, setOnInsert, operation }: AskedChange): ChangeResult | undefined => {
    if (key === '') return invalid('missing_key', 'a record needs its key')
    if (!['insert', 'upsert', 'update', 'delete'].includes(operation)) return invalid('no_such_operation', operation)
    for (const [name, raw] of [...set, ...setOnInsert]) {
      if (rawText(raw)?.startsWith(REFUSED)) return invalid('invalid_value', `${name} may not be that`)
    }
    return undefined
  }
  return {
    problemOf,
    apply(object, change, request) {
      const problem = problemOf(change)
      if (problem !== undefined) return problem
      const { key, set, setOnInsert, operation } = change
      const isLocked = [...set.values()].some((raw) => rawText(raw)?.startsWith(LOCKED))
      if (isLocked && !locked.has(`${object}/${key}`)) {
        locked.add(`${object}/${key}`)
        return { status: 'locked', error: { code: 'locked', message: 'somebody else is at it; come again' } }
      }
      const found = store.get(object, key)
      if (operation === 'delete') {
        if (found === undefined) return { status: 'not_found', error: { code: 'not_found', message: 'no such record' } }
        store.remove(object, found, request)
        return { status: 'deleted', id: found.id }
      }
      if (found === undefined) {
        if (operation === 'update')
          return { status: 'not_found', error: { code: 'not_found', message: 'no such record' } }
        const made = store.create(object, { request, key, fields: texts([...set, ...setOnInsert]) })
        return { status: 'created', id: made.id }
      }
      if (operation === 'insert') {
        return { status: 'exists', id: found.id, error: { code: 'exists', message: 'there is such a record' } }
      }
      return updated(store, object, found, change, request)
    },
  }
}

function updated(
  store: HttpStore,
  object: string,
  record: StoredRecord,
  { key, set }: AskedChange,
  request: number,
): ChangeResult {
  store.update(object, record, { request, key, fields: texts([...set]) })
  return { status: 'updated', id: record.id }
}

function invalid(code: string, message: string): ChangeResult {
  return { status: 'invalid', error: { code, message } }
}

export function texts(members: readonly (readonly [string, RawJson])[]): Map<string, string> {
  return new Map(members.map(([name, raw]) => [name, raw.text]))
}

/** The key of a record: one field as it is, several as a JSON list. Empty where a part is missing. */
export function keyOf(members: ReadonlyMap<string, RawJson>, names: readonly string[]): string {
  const parts = names.map((name) => rawText(members.get(name)))
  if (parts.includes(undefined)) return ''
  return parts.length === 1 ? (parts[0] as string) : JSON.stringify(parts)
}
