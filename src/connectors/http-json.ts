import type { ValueKind } from '../core/column.ts'
import { jsonToken } from './json-token.ts'

/** A JSON value as it will be written: a number keeps every digit it came with. */
export type JsonTree =
  | { readonly token: string }
  | { readonly items: readonly JsonTree[] }
  | { readonly members: ReadonlyMap<string, JsonTree> }

/** How points in time are written: as RFC 3339 (`2024-02-29T23:59:59+00:00`), or as the source has them. */
export type TimestampForm = 'rfc3339' | 'as_is'

export function printJson(tree: JsonTree): string {
  if ('token' in tree) return tree.token
  if ('items' in tree) return `[${tree.items.map(printJson).join()}]`
  return `{${[...tree.members].map(([name, member]) => `${JSON.stringify(name)}:${printJson(member)}`).join()}}`
}

/** A JavaScript value of a configuration as a tree. */
export function treeOf(value: unknown): JsonTree {
  if (Array.isArray(value)) return { items: value.map(treeOf) }
  if (typeof value !== 'object' || value === null) return { token: JSON.stringify(value ?? null) }
  return { members: new Map(Object.entries(value).map(([name, member]) => [name, treeOf(member)])) }
}

/** {@link jsonToken}, with points in time in the form that the service takes. */
export function valueToken(kind: ValueKind, value: string | null, timestamps: TimestampForm): string {
  return jsonToken(kind, kind === 'timestamp' && value !== null && timestamps === 'rfc3339' ? rfc3339(value) : value)
}

/** `2024-02-29 23:59:59.5+00` as `2024-02-29T23:59:59.5+00:00`; what has no such form (`infinity`) stays as it is. */
export function rfc3339(value: string): string {
  const match = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)?(:\d\d)?$/.exec(value)
  if (match === null) return value
  const [, date, time, hours, minutes] = match
  return `${date}T${time}${hours === undefined ? '' : `${hours}${minutes ?? ':00'}`}`
}

/** The reverse of {@link rfc3339}: what a service answers, as the source would write it. */
export function timestampText(value: string): string {
  const match = /^(\d{4,}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(value)
  if (match === null) return value
  const [, date, time, fraction = '', zone = ''] = match
  const digits = fraction.replace(/0+$/, '')
  const offset = /^z$/i.test(zone) ? '+00' : zone.replace(/:?00$/, (minutes) => (zone.length > 3 ? '' : minutes))
  return `${date} ${time}${digits === '.' ? '' : digits}${offset}`
}

const LONG_NUMBER = /\d{16}/

/**
 * Reads a reply. Numbers that a JavaScript number may not hold (16 digits and more: ids, mostly) are read as their text.
 * Undefined where it is no JSON.
 */
export function readJson(text: string): { readonly value: unknown } | undefined {
  try {
    if (!LONG_NUMBER.test(text)) return { value: JSON.parse(text) }
    // First as it is: quoting numbers could make a valid text of an invalid one.
    JSON.parse(text)
    return { value: JSON.parse(withQuotedNumbers(text)) }
  } catch {
    return undefined
  }
}

/** The same JSON with its long numbers as texts. Step by step, because a text in it may be too long for one pattern. */
function withQuotedNumbers(json: string): string {
  const token = /"|-?\d[\d.eE+-]*/g
  const parts: string[] = []
  let from = 0
  for (let match = token.exec(json); match !== null; match = token.exec(json)) {
    const [found] = match
    if (found === '"') token.lastIndex = endOfText(json, token.lastIndex)
    else if (found.length >= 16) {
      parts.push(json.slice(from, match.index), `"${found}"`)
      from = token.lastIndex
    }
  }
  return parts.join('') + json.slice(from)
}

/** Behind the closing quote of a text that begins at `from`. */
function endOfText(json: string, from: number): number {
  for (let at = json.indexOf('"', from); ; at = json.indexOf('"', at + 1)) {
    let slashes = 0
    while (json[at - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return at + 1
  }
}

/** What is at a JSON pointer (RFC 6901: `/errors/0/message`, the empty text is the whole); undefined where nothing is. */
export function atPointer(value: unknown, pointer: string): unknown {
  if (pointer === '') return value
  let inside = value
  for (const part of pointer.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof inside !== 'object' || inside === null || !Object.hasOwn(inside, name)) return undefined
    inside = (inside as Record<string, unknown>)[name]
  }
  return inside
}

/** A scalar of a reply as text; undefined for what is none, and for null. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** A scalar, list or map of a reply as the message of an error. */
export function messageText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return scalarText(value) ?? JSON.stringify(value)
}
