import type { Column, ValueKind } from '../core/column.ts'
import { FatalError } from '../core/errors.ts'
import { isBlank, JSON_FALSE, JSON_NESTED, JSON_NULL, JSON_NUMBER, JSON_TRUE, JsonScanner } from './json-scan.ts'
import { MAX_LINE_BYTES, requireUtf8 } from './pending-bytes.ts'
import { lineTooLarge, notNdjson } from './row-errors.ts'
import type { RowOptions } from './row-options.ts'
import { checkTypes, typedColumn, typeOf } from './text-types.ts'

/** How much of the input is looked at to learn the columns. */
const SAMPLE_LINES = 1000
const SAMPLE_BYTES = 1024 * 1024

const TYPE_OF_KIND: Readonly<Partial<Record<ValueKind, string>>> = {
  integer: 'bigint',
  decimal: 'numeric',
  boolean: 'boolean',
  json: 'jsonb',
}

/**
 * The columns of NDJSON: all names of the first lines, in the order of their appearance, each of the kind that its
 * values have in common. Or, where `columns` says so, these and no others. The key is compared as text unless `types`
 * says otherwise: what the first lines happen to hold must not decide how a key is encoded.
 */
export async function ndjsonColumns(
  next: () => Promise<Buffer | undefined>,
  name: string,
  options: RowOptions,
): Promise<Column[]> {
  const kinds = await sample(next, name, options)
  const names = options.columns ?? [...kinds.keys()]
  if (names.length === 0) {
    throw new FatalError(
      'no_columns',
      `${name} holds no row, so its columns are not known: list them with columns: [...] if that is right`,
    )
  }
  checkTypes(options.types, names)
  return names.map((column) => {
    const type = typeOf(options.types, column)
    if (type !== undefined) return typedColumn(column, type)
    const kind = kinds.get(column) ?? 'text'
    return { name: column, kind, type: TYPE_OF_KIND[kind] ?? 'text', keyEncoding: 'text' }
  })
}

type Kinds = Map<string, ValueKind | undefined>

async function sample(next: () => Promise<Buffer | undefined>, name: string, options: RowOptions): Promise<Kinds> {
  const kinds: Kinds = new Map()
  const scanner = new JsonScanner()
  let rest = Buffer.alloc(0)
  let bytes = 0
  let line = 0
  let isFirst = true
  for (let ended = false; !ended; ) {
    const chunk = await next()
    ended = chunk === undefined
    bytes += chunk?.length ?? 0
    const data = chunk === undefined ? rest : Buffer.concat([rest, chunk])
    let at = 0
    while (at < data.length) {
      const newline = data.indexOf(10, at)
      if (newline < 0 && !ended) break
      const end = newline < 0 ? data.length : newline
      line++
      if (!isBlank(data, at, end)) {
        requireUtf8(data.subarray(at, end), line, name)
        const isObject = scanner.scan(data, at, end)
        // Other lines may be bad; if the first is, this is most likely something else.
        if (!isObject && isFirst) throw notNdjson(line, data.toString('utf8', at, Math.min(end, at + 60)), name)
        if (isObject && !(options.trailer && isTrailer(scanner, data))) note(scanner, data, kinds)
        isFirst = false
      }
      at = end + 1
      if (line >= SAMPLE_LINES || (bytes >= SAMPLE_BYTES && at >= data.length)) return kinds
    }
    rest = data.subarray(at)
    if (bytes >= SAMPLE_BYTES && line > 0) return kinds
    if (rest.length > MAX_LINE_BYTES) throw lineTooLarge(line + 1, name)
  }
  return kinds
}

/** The name of member `index` of the object that was scanned last. */
export function nameOf(scanner: JsonScanner, bytes: Buffer, index: number): string {
  const start = scanner.nameStarts[index] as number
  const end = scanner.nameEnds[index] as number
  if (scanner.nameEscapes[index] === 0) return bytes.toString('utf8', start, end)
  return JSON.parse(bytes.toString('utf8', start - 1, end + 1)) as string
}

/** `{"_end":true,"rows":123}`: the number of rows, or undefined where this is an ordinary row. */
export function trailerOf(scanner: JsonScanner, bytes: Buffer): number | undefined {
  if (scanner.count !== 2) return undefined
  const first = nameOf(scanner, bytes, 0)
  const end = first === '_end' ? 0 : 1
  if (nameOf(scanner, bytes, end) !== '_end' || nameOf(scanner, bytes, 1 - end) !== 'rows') return undefined
  if (scanner.kinds[end] !== JSON_TRUE || scanner.kinds[1 - end] !== JSON_NUMBER) return undefined
  const rows = bytes.toString('latin1', scanner.starts[1 - end], scanner.ends[1 - end])
  return /^\d{1,15}$/.test(rows) ? Number(rows) : undefined
}

function isTrailer(scanner: JsonScanner, bytes: Buffer): boolean {
  return trailerOf(scanner, bytes) !== undefined
}

function note(scanner: JsonScanner, bytes: Buffer, kinds: Kinds): void {
  for (let index = 0; index < scanner.count; index++) {
    const name = nameOf(scanner, bytes, index)
    kinds.set(name, common(kinds.get(name), kindOf(scanner, bytes, index)))
  }
}

/** The kind of both; undefined stands for nulls, which are of any. */
function common(a: ValueKind | undefined, b: ValueKind | undefined): ValueKind | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b
  const bothNumbers = (a === 'integer' || a === 'decimal') && (b === 'integer' || b === 'decimal')
  return bothNumbers ? 'decimal' : 'text'
}

function kindOf(scanner: JsonScanner, bytes: Buffer, index: number): ValueKind | undefined {
  switch (scanner.kinds[index]) {
    case JSON_NULL:
      return undefined
    case JSON_FALSE:
    case JSON_TRUE:
      return 'boolean'
    case JSON_NESTED:
      return 'json'
    case JSON_NUMBER: {
      const text = bytes.toString('latin1', scanner.starts[index], scanner.ends[index])
      return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? 'integer' : 'decimal'
    }
    default:
      return 'text'
  }
}
