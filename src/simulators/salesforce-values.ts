import { RestError, type RowError, rowError } from './salesforce-errors.ts'
import type { Field, FieldValue } from './salesforce-model.ts'

/** The rules of values that need no other record: what a text or a JSON value becomes, or why it is refused. */
export type Checked = FieldValue | RowError

export function isRowError(checked: Checked | undefined): checked is RowError {
  return typeof checked === 'object' && checked !== null
}

const XSD: Readonly<Partial<Record<Field['type'], string>>> = {
  boolean: 'boolean',
  int: 'int',
  double: 'double',
  currency: 'double',
  percent: 'double',
  date: 'date',
  datetime: 'dateTime',
}

/** A cell of CSV that is neither empty nor `#N/A`. */
export function fromText(field: Field, column: number): (text: string) => Checked {
  const type = XSD[field.type]
  if (type === undefined) return checkedText(field)
  const parse = parserOf(field)
  return (text) => {
    const value = parse(text.trim())
    if (value !== undefined) return checkedNumber(field, value)
    const reason = `'${text}' is not a valid value for the type xsd:${type}`
    return rowError('INVALID_FIELD', `Failed to deserialize field at col ${column}. Due to, ${reason}`, field.name)
  }
}

/** A value of a JSON body. One that its type cannot hold refuses the whole request: throws a {@link RestError}. */
export function fromJson(field: Field, value: unknown): Checked {
  if (value === null) return null
  const type = typeof value
  if (type === 'object')
    throw parserError(field, Array.isArray(value) ? 'START_ARRAY' : 'START_OBJECT', Array.isArray(value) ? '[' : '{')
  if (XSD[field.type] === undefined) return checkedText(field)(String(value))
  const parsed = value === '' ? undefined : parserOf(field)(String(value))
  if (parsed !== undefined) return checkedNumber(field, parsed)
  throw parserError(field, type === 'string' ? 'VALUE_STRING' : `VALUE_${String(value).toUpperCase()}`, String(value))
}

function parserError({ type }: Field, token: string, value: string): RestError {
  const message = `Cannot deserialize instance of ${type} from ${token} value ${value} or request may be missing a required field at [line:1, column:1]`
  return new RestError(400, 'JSON_PARSER_ERROR', message)
}

const TRUE = new Set(['true', 'yes', 'y', 'on', '1'])
const FALSE = new Set(['false', 'no', 'n', 'off', '0'])
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/

function parserOf({ type }: Field): (text: string) => FieldValue | undefined {
  if (type === 'boolean') {
    return (text) => {
      const lower = text.toLowerCase()
      return TRUE.has(lower) ? true : FALSE.has(lower) ? false : undefined
    }
  }
  if (type === 'date') return dateOf
  if (type === 'datetime') return timeOf
  if (type === 'int') return (text) => (/^[+-]?\d+(\.0*)?$/.test(text) ? Number(text) : undefined)
  return (text) => (NUMBER.test(text) ? Number(text) : undefined)
}

/** `2026-11-23`, with a zone (which is left out) or without. */
function dateOf(text: string): string | undefined {
  const found = /^(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:?\d\d)?$/.exec(text)
  return found !== null && isDay(found[1] as string) ? found[1] : undefined
}

/** ISO 8601 with a zone. Stored in UTC, to the second: `2026-11-23T06:00:00.000+0000`. */
function timeOf(text: string): string | undefined {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)$/.exec(text)
  if (found === null || !isDay(found[1] as string)) return undefined
  const zone = (found[4] as string).replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')
  const time = Date.parse(`${found[1]}T${found[2]}${zone}`)
  return Number.isNaN(time) ? undefined : timeText(time)
}

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

/** Milliseconds since 1970 as the API writes a time. */
export function timeText(time: number): string {
  const second = Math.floor(time / 1000)
  if (second !== lastText.second) {
    lastText = { second, text: new Date(second * 1000).toISOString().replace('Z', '+0000') }
  }
  return lastText.text
}

/** Most records of a batch have the same time. */
let lastText = { second: Number.NaN, text: '' }

function checkedNumber(field: Field, value: FieldValue): Checked {
  if (typeof value !== 'number') return value
  const limit = field.type === 'int' ? 2 ** 31 : 10 ** ((field.precision ?? 18) - (field.scale ?? 0))
  if (Number.isFinite(value) && Math.abs(value) < limit) return value
  const message = `${field.label}: value outside of valid range on numeric field: ${value}`
  return rowError('NUMBER_OUTSIDE_VALID_RANGE', message, field.name)
}

const EMAIL = /^[^\s@<>(),;:"]+@[^\s@<>(),;:".]+(\.[^\s@<>(),;:".]+)+$/

/** Spaces around a text are not stored, and what is left of an empty one is null. */
function checkedText(field: Field): (text: string) => Checked {
  const { name, label, type, length } = field
  const allowed = field.restricted === true && field.values !== undefined ? new Set(field.values) : undefined
  const refused = (text: string) =>
    rowError(
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      `${label}: bad value for restricted picklist field: ${text}`,
      name,
    )
  return (text) => {
    const value = text.trim()
    if (value === '') return null
    if (length > 0 && value.length > length && type !== 'reference') {
      return rowError('STRING_TOO_LONG', `${label}: data value too large: ${value} (max length=${length})`, name)
    }
    if (type === 'email' && !EMAIL.test(value)) {
      return rowError('INVALID_EMAIL_ADDRESS', `${label}: invalid email address: ${value}`, name)
    }
    if (type === 'multipicklist') {
      const wrong = allowed === undefined ? undefined : value.split(';').find((part) => !allowed.has(part))
      return wrong === undefined ? value : refused(wrong)
    }
    return type === 'picklist' && allowed?.has(value) === false ? refused(value) : value
  }
}
