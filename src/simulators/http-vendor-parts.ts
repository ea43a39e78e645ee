import { type RawJson, rawText, readRawJson } from './http-raw-json.ts'
import type { HttpStore, StoredRecord } from './http-store.ts'
import type { SimulatorRequest } from './simulator-request.ts'

/** The members of a body; empty where it is no object. */
export function membersOf(request: SimulatorRequest): ReadonlyMap<string, RawJson> {
  return readRawJson(request.body.toString('utf8'))?.members ?? new Map()
}

/** The text of a member, which has to be a string. */
export function stringAt(members: ReadonlyMap<string, RawJson> | undefined, name: string): string | undefined {
  const raw = members?.get(name)
  return raw?.text.startsWith('"') ? rawText(raw) : undefined
}

/** Makes the record or changes it; answers which. */
export function keep(
  store: HttpStore,
  object: string,
  key: string,
  members: ReadonlyMap<string, RawJson>,
  request: number,
): { readonly record: StoredRecord; readonly created: boolean } {
  const fields = new Map([...members].map(([name, { text }]) => [name, text]))
  const found = store.get(object, key)
  if (found === undefined) return { record: store.create(object, { request, key, fields }), created: true }
  store.update(object, found, { request, key, fields })
  return { record: found, created: false }
}

export function isEmail(text: string): boolean {
  return /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text)
}
