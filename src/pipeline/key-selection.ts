import type { Column } from '../core/column.ts'
import { encodeRow } from '../core/copy-text.ts'
import { configurationError } from '../core/errors.ts'
import { KeyEncoder, keySpace } from '../core/key.ts'
import { decodeKey } from '../core/key-text.ts'

type KeyColumn = Pick<Column, 'name' | 'keyEncoding'>

/** Keys that somebody asked for by name, and which of them have turned up. */
export class KeySelection {
  /** Canonical text of each key column, for the source. */
  readonly texts: readonly (readonly string[])[]
  /** The greatest of them: rows behind it need not be looked at. */
  readonly greatest: Buffer
  /** By their bytes: what was asked for. */
  readonly #asked: ReadonlyMap<string, string>
  readonly #met = new Set<string>()

  /** Reads keys as they are printed (`42`, `eu / 1001`) or as JSON arrays. Throws FatalError `unreadable_key`. */
  constructor(asked: readonly string[], columns: readonly KeyColumn[]) {
    const keys = asked.map((text) => encodeKey(text, columns))
    const encodings = columns.map((column) => column.keyEncoding)
    this.texts = keys.map((key) => decodeKey(encodings, key))
    this.greatest = keys.reduce((a, b) => (Buffer.compare(a, b) < 0 ? b : a), Buffer.alloc(0))
    this.#asked = new Map(keys.map((key, index) => [key.toString('latin1'), asked[index] as string]))
  }

  get count(): number {
    return this.#asked.size
  }

  /** Whether `keys[start .. end)` was asked for; it has then been met. */
  meets(keys: Buffer, start: number, end: number): boolean {
    const id = keys.toString('latin1', start, end)
    if (!this.#asked.has(id)) return false
    this.#met.add(id)
    return true
  }

  /** Those that have not turned up, as they were asked for. */
  unmet(): string[] {
    return [...this.#asked].filter(([id]) => !this.#met.has(id)).map(([, text]) => text)
  }
}

function encodeKey(text: string, columns: readonly KeyColumn[]): Buffer {
  const line = Buffer.from(encodeRow(partsOf(text, columns)))
  const encoder = new KeyEncoder(columns.map(({ keyEncoding }, field) => ({ field, encoding: keyEncoding })))
  const out = Buffer.allocUnsafe(keySpace(line.length))
  const end = encoder.encode(line, 0, line.length, out, 0)
  if (end >= 0) return out.subarray(0, end)
  const types = columns.map(({ name, keyEncoding }) => `${name} (${keyEncoding})`).join(', ')
  throw unreadable(text, `the key is ${types}; write it as \`rowferry preview\` prints it`)
}

function partsOf(text: string, columns: readonly KeyColumn[]): string[] {
  const list = text.startsWith('[') ? listOf(text) : undefined
  if (list?.length === columns.length) return list
  if (columns.length === 1) return [text]
  const parts = text.split(' / ')
  if (parts.length === columns.length) return parts
  const names = columns.map(({ name }) => name)
  const example = JSON.stringify(names.map((name) => `${name}…`))
  throw unreadable(text, `the key has ${columns.length} parts, write them as ${names.join(' / ')} or as ${example}`)
}

/** The texts of a JSON array of scalars. A number that JavaScript would round does not count. */
function listOf(text: string): string[] | undefined {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    // A key may begin with a bracket.
    return undefined
  }
  if (!Array.isArray(list)) return undefined
  const texts = list.map((part: unknown) => {
    if (typeof part === 'string') return part
    if (typeof part === 'boolean') return part ? 't' : 'f'
    if (Number.isSafeInteger(part)) return String(part)
    throw unreadable(text, `write ${JSON.stringify(part)} in quotes: as a number it may not be kept exactly`)
  })
  return texts
}

function unreadable(text: string, advice: string) {
  return configurationError('unreadable_key', `"${text}" is no key of the model: ${advice}`)
}
