import type { Column, KeyEncoding, ValueKind } from '../core/column.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'

/** What `types:` may say of a column whose rows come as text. */
export const TYPE_NAMES = ['text', 'integer', 'number', 'boolean', 'date', 'timestamp', 'uuid', 'json'] as const

export type TypeName = (typeof TYPE_NAMES)[number]

interface TextType {
  readonly kind: ValueKind
  /** As Postgres prints it. */
  readonly type: string
  readonly keyEncoding: KeyEncoding
  /**
   * The form in which a value is compared and found again, so that `007` and `7` are one key. What is not of the type
   * stays as it is: the destination rejects it, or it is no usable key.
   */
  readonly normal?: (text: string) => string
}

const TYPES: Readonly<Record<TypeName, TextType>> = {
  text: { kind: 'text', type: 'text', keyEncoding: 'text' },
  integer: { kind: 'integer', type: 'bigint', keyEncoding: 'integer', normal: normalInteger },
  number: { kind: 'decimal', type: 'numeric', keyEncoding: 'text', normal: (text) => text.trim() },
  boolean: { kind: 'boolean', type: 'boolean', keyEncoding: 'boolean', normal: normalBoolean },
  date: { kind: 'date', type: 'date', keyEncoding: 'date', normal: (text) => text.trim() },
  timestamp: {
    kind: 'timestamp',
    type: 'timestamp with time zone',
    keyEncoding: 'timestamptz',
    normal: normalTimestamp,
  },
  uuid: { kind: 'other', type: 'uuid', keyEncoding: 'uuid', normal: normalUuid },
  json: { kind: 'json', type: 'jsonb', keyEncoding: 'text' },
}

export function typedColumn(name: string, type: TypeName): Column {
  const { kind, type: printed, keyEncoding } = TYPES[type]
  return { name, kind, type: printed, keyEncoding }
}

/** What `types` says of a column, which may be called `constructor`. */
export function typeOf(types: Readonly<Record<string, TypeName>>, column: string): TypeName | undefined {
  return Object.hasOwn(types, column) ? types[column] : undefined
}

/** Throws a configuration error where `types` names what is no column. */
export function checkTypes(types: Readonly<Record<string, TypeName>>, columns: readonly string[]): void {
  const unknown = Object.keys(types).find((name) => !columns.includes(name))
  if (unknown === undefined) return
  throw configurationError(
    'unknown_column',
    `types: there is no column ${unknown}${suggestion(unknown, columns)}; there is ${columns.join(', ')}`,
  )
}

/** What makes the values of that type comparable; undefined where they are as they come. */
export function normalizerOf(type: TypeName | undefined): ((text: string) => string) | undefined {
  return type === undefined ? undefined : TYPES[type].normal
}

function normalInteger(text: string): string {
  const [, sign, digits] = /^\s*([+-]?)0*(0|[1-9]\d*)(?:\.0*)?\s*$/.exec(text) ?? []
  if (digits === undefined) return text
  return sign === '-' && digits !== '0' ? `-${digits}` : digits
}

function normalBoolean(text: string): string {
  if (/^\s*(t|true|yes|y|on|1)\s*$/i.test(text)) return 't'
  return /^\s*(f|false|no|n|off|0)\s*$/i.test(text) ? 'f' : text
}

/** As Postgres prints a time in UTC. Without a zone it is taken for UTC; with another one it is left alone. */
function normalTimestamp(text: string): string {
  const match = /^\s*(\d{4,}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(\.\d+)?(?:\s*(?:Z|[+-]00(?::?00)?))?)?\s*$/i.exec(
    text,
  )
  if (match === null) return text
  const [, date, clock = '00:00', seconds = ':00', fraction = ''] = match
  return `${date} ${clock}${seconds}${shortFraction(fraction)}+00`
}

/** `.500` as `.5`, `.0` as nothing. By a loop: a pattern would try again at each nought. */
function shortFraction(fraction: string): string {
  let end = fraction.length
  while (fraction[end - 1] === '0') end--
  return end <= 1 ? '' : fraction.slice(0, end)
}

function normalUuid(text: string): string {
  const digits = text.trim().replace(/[-{}]/g, '').toLowerCase()
  return /^[0-9a-f]{32}$/.test(digits) ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : text
}

/** Whether `bytes[from .. to)` is an integer in its normal form already: the common case, told without a string. */
export function isNormalInteger(bytes: Buffer, from: number, to: number): boolean {
  const first = bytes[from] === 45 ? from + 1 : from
  if (first >= to) return false
  if (bytes[first] === 48) return to - first === 1 && first === from
  for (let at = first; at < to; at++) {
    const byte = bytes[at] as number
    if (byte < 48 || byte > 57) return false
  }
  return true
}
