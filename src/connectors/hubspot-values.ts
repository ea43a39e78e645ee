import type { Field } from '../core/change.ts'
import type { ValueKind } from '../core/column.ts'
import { suggestion } from '../core/did-you-mean.ts'
import type { HubspotProperty } from './hubspot-properties.ts'

/** A value as HubSpot takes it, or why it takes none. */
export type FormattedValue = string | { readonly code: string; readonly message: string }

/** Writes a canonical text as one type of property takes it. '' clears a property of any type. */
export type ValueFormat = (text: string) => FormattedValue

/** Most characters of a text property [D]. */
const MAX_TEXT = 65_536

const TEXT_LIKE: readonly ValueKind[] = ['text', 'other']

/** Which kinds a type of property takes. Texts are read as what they say, row by row. */
const KINDS: Readonly<Record<string, readonly ValueKind[]>> = {
  string: [...TEXT_LIKE, 'integer', 'decimal', 'float', 'boolean', 'date', 'timestamp', 'json'],
  phone_number: [...TEXT_LIKE, 'integer'],
  number: [...TEXT_LIKE, 'integer', 'decimal', 'float'],
  bool: [...TEXT_LIKE, 'boolean'],
  date: [...TEXT_LIKE, 'date'],
  datetime: [...TEXT_LIKE, 'timestamp', 'date'],
  enumeration: [...TEXT_LIKE, 'integer', 'boolean'],
}

/** What is wrong with a field for a property, whatever its rows are; undefined where nothing is. */
export function kindProblem(field: Field, property: HubspotProperty): string | undefined {
  const { name, kind, type } = field
  const kinds = KINDS[property.type]
  if (kinds === undefined)
    return `"${name}" is of the type ${property.type}, which cannot be written: take it out of fields`
  if (type.endsWith('[]')) {
    return `"${name}" would get ${type}: join the elements in the SQL of the model (array_to_string(column, ';'))`
  }
  if (kinds.includes(kind) || (kind === 'json' && isMultiple(property))) return undefined
  const advice =
    kind === 'timestamp' && property.type === 'date' ? ': cast it to date, in the time zone that is meant' : ''
  return `"${name}" is of the type ${property.type} and would get ${type}${advice || ': cast it, or map another column'}`
}

/** How values of a field are written for a property. The kinds fit ({@link kindProblem}). */
export function formatOf({ kind }: Field, property: HubspotProperty): ValueFormat {
  const write = writerOf(kind, property)
  return (text) => (text === '' ? '' : write(text))
}

function writerOf(kind: ValueKind, property: HubspotProperty): ValueFormat {
  switch (property.type) {
    case 'number':
      return numberText
    case 'bool':
      return booleanText
    case 'date':
      return dateText
    case 'datetime':
      return datetimeText
    case 'enumeration':
      return isMultiple(property) ? severalOptions(kind, property) : oneOption(kind, property)
    default:
      return kind === 'boolean' ? booleanText : plainText
  }
}

function plainText(text: string): FormattedValue {
  if (text.length <= MAX_TEXT) return text
  return { code: 'value_too_long', message: `it has ${text.length} characters, and HubSpot keeps ${MAX_TEXT}` }
}

/** Digits without exponent: `1e3` as `1000`, nothing rounded. */
function numberText(text: string): FormattedValue {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text.trim()) ?? []
  if (whole === undefined || whole + fraction === '') return invalid(text, 'a number')
  const minus = sign === '-' ? '-' : ''
  const shift = Number(exponent)
  if (shift === 0) return `${minus}${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`
  const digits = whole + fraction
  const point = whole.length + shift
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0')
  const at = point <= 0 ? 1 : point
  const rest = withoutZerosBehind(padded.slice(at))
  return `${minus}${padded.slice(0, at).replace(/^0+(?=\d)/, '')}${rest === '' ? '' : `.${rest}`}`
}

/** A pattern would look at each run of zeros again from each of its zeros. */
function withoutZerosBehind(digits: string): string {
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return digits.slice(0, end)
}

function booleanText(text: string): FormattedValue {
  if (/^\s*(t|true)\s*$/i.test(text)) return 'true'
  return /^\s*(f|false)\s*$/i.test(text) ? 'false' : invalid(text, 'a boolean (true or false)')
}

/** A day of the calendar stays that day: no time zone is applied. */
function dateText(text: string): FormattedValue {
  const day = text.trim()
  return isDay(day) ? day : invalid(text, 'a date (YYYY-MM-DD)')
}

const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*(Z|[+-]\d\d(?::?\d\d){0,2})?)?$/i

/** ISO 8601 in UTC, to the millisecond. Without a zone it is taken for UTC; a day is its first moment. */
function datetimeText(text: string): FormattedValue {
  const [, day, hours = '00', minutes = '00', seconds = '00', fraction = '', zone = 'Z'] = TIME.exec(text.trim()) ?? []
  if (day === undefined || !isDay(day) || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) {
    return invalid(text, 'a time (YYYY-MM-DDTHH:MM:SSZ)')
  }
  const clock = `${hours}:${minutes}:${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}`
  const written = new Date(Date.parse(`${day}T${clock}Z`) - offsetMs(zone)).toISOString()
  // The first and the last hours of the calendar may be in another year in UTC, which has more than four digits.
  return /^\d{4}-/.test(written) ? written : invalid(text, 'a time of the years 0000 to 9999 in UTC')
}

function offsetMs(zone: string): number {
  if (/^z$/i.test(zone)) return 0
  const [hours = 0, minutes = 0, seconds = 0] = (zone.slice(1).match(/\d\d/g) ?? []).map(Number)
  return (zone.startsWith('-') ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds) * 1000
}

function isDay(day: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return false
  const time = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}

function oneOption(kind: ValueKind, property: HubspotProperty): ValueFormat {
  return (text) => {
    const value = kind === 'boolean' ? booleanText(text) : text
    return typeof value === 'string' ? (unknownOption(value, property) ?? value) : value
  }
}

/** Options apart from their order, without repeats: HubSpot takes a leading `;` for an addition to what is there [A]. */
function severalOptions(kind: ValueKind, property: HubspotProperty): ValueFormat {
  return (text) => {
    const parts = kind === 'json' ? listed(text) : text.split(';').map((part) => part.trim())
    if (parts === undefined) return invalid(text, 'a list of texts')
    const values = [...new Set(parts)].filter((part) => part !== '').sort()
    const split = values.find((part) => part.includes(';'))
    if (split !== undefined) {
      return { code: 'invalid_option', message: `${quoted(split)} has a ; in it, which stands between options` }
    }
    for (const value of values) {
      const problem = unknownOption(value, property)
      if (problem !== undefined) return problem
    }
    return values.join(';')
  }
}

function listed(text: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(text)
    if (list === null) return []
    return Array.isArray(list) && list.every((one) => typeof one === 'string') ? list : undefined
  } catch {
    return undefined
  }
}

function unknownOption(value: string, { options }: HubspotProperty): FormattedValue | undefined {
  if (options.size === 0 || options.has(value)) return undefined
  const byLabel = [...options].find(([, label]) => label === value)?.[0]
  const advice =
    byLabel === undefined ? suggestion(value, options.keys()) : `: that is a label, its value is ${quoted(byLabel)}`
  return { code: 'invalid_option', message: `${quoted(value)} is none of its options${advice}` }
}

function isMultiple({ type, fieldType }: HubspotProperty): boolean {
  return type === 'enumeration' && fieldType === 'checkbox'
}

function invalid(text: string, expected: string): FormattedValue {
  return { code: 'invalid_value', message: `${quoted(text)} is not ${expected}` }
}

/** As much of a value as a message needs. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
