import type { ValueKind } from '../core/column.ts'
import type { DescribedField } from './salesforce-describe.ts'

/** A value as Salesforce takes it: the text of a CSV cell, and of a JSON text or (`bare`) of a JSON number, true or false. */
export interface SalesforceValue {
  readonly text: string
  readonly bare: boolean
}

/** Why a value cannot be sent: the code that Salesforce itself would answer, and a reason that completes "FIELD …". */
export interface Misfit {
  readonly misfit: string
  readonly code: string
}

/** `code` is Salesforce's own. */
export function unfit(code: string, misfit: string): Misfit {
  return { code, misfit }
}

type Format = (text: string, field: DescribedField) => SalesforceValue | Misfit

interface Family {
  /** What the mapping may hold. */
  readonly takes: readonly ValueKind[]
  readonly format: Format
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/
const TEXT_KINDS: readonly ValueKind[] = [
  'text',
  'integer',
  'decimal',
  'float',
  'boolean',
  'date',
  'timestamp',
  'json',
  'other',
]

const text: Format = (value, field) => {
  const { length } = field
  // Characters may be counted in two ways; what is too long in the laxer one is too long in both.
  if (length > 0 && value.length > length && [...value].length > length) {
    return unfit('STRING_TOO_LONG', `holds ${length} characters, and not ${[...value].length}`)
  }
  return { text: value, bare: false }
}

const option: Format = (value, field) => unknownOptions([value], field) ?? { text: value, bare: false }

const options: Format = (value, field) => {
  const chosen = listOf(value)
  return unknownOptions(chosen, field) ?? { text: chosen.join(';'), bare: false }
}

const integer: Format = (value, field) => {
  const match = /^\s*([+-]?)0*(\d+)(?:\.0*)?\s*$/.exec(value)
  if (match === null) return unfit('INVALID_TYPE', 'takes a whole number')
  const [, sign, digits = '0'] = match
  if (field.digits > 0 && digits.length > field.digits) return tooLarge(`takes ${field.digits} digits`)
  return { text: sign === '-' && digits !== '0' ? `-${digits}` : digits, bare: true }
}

const number: Format = (value, field) => {
  const trimmed = value.trim()
  const match = NUMBER.exec(trimmed)
  const [, sign = '', whole = '', fraction = '', exponent] = match ?? []
  if (match === null || whole + fraction === '') return unfit('INVALID_TYPE', 'takes a number')
  const before = whole.replace(/^0+/, '').length + Number(exponent ?? 0)
  if (field.precision > 0 && before > field.precision - field.scale) {
    return tooLarge(`takes ${field.precision - field.scale} digits before the decimal point`)
  }
  const digits = `${whole.replace(/^0+(?=\d)/, '') || '0'}${fraction === '' ? '' : `.${fraction}`}`
  return { text: `${sign === '-' ? '-' : ''}${digits}${exponent === undefined ? '' : `e${exponent}`}`, bare: true }
}

const boolean: Format = (value) => {
  if (/^(t|true)$/i.test(value)) return { text: 'true', bare: true }
  if (/^(f|false)$/i.test(value)) return { text: 'false', bare: true }
  return unfit('INVALID_TYPE', 'takes true or false: set `type: boolean` in the mapping')
}

const date: Format = (value) => {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ][0-9:.+Z-]*)?$/.exec(value.trim())
  if (match === null || !isDay(match[1] as string)) return unfit('INVALID_TYPE', 'takes a date like 2026-09-30')
  return inRange(match[1] as string) ?? { text: match[1] as string, bare: false }
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/

/** Without a zone it is UTC; a day alone is its midnight. To the millisecond, which is more than is kept [A]. */
const datetime: Format = (value) => {
  const match = TIMESTAMP.exec(value.trim())
  const [, day = '', clock = '00:00', seconds = '00', fraction = '', zone = 'Z'] = match ?? []
  if (match === null || !isDay(day) || !isClock(clock, seconds)) {
    return unfit('INVALID_TYPE', 'takes a time like 2026-09-30T12:00:00Z')
  }
  const offset =
    zone === 'Z' || /^[+-]00(:?00)?$/.test(zone) ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`
  return inRange(day) ?? { text: `${day}T${clock}:${seconds}.${`${fraction}000`.slice(0, 3)}${offset}`, bare: false }
}

const time: Format = (value) => {
  const match = /^(\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?Z?$/.exec(value.trim())
  const [, clock = '', seconds = '00', fraction = ''] = match ?? []
  if (match === null || !isClock(clock, seconds)) return unfit('INVALID_TYPE', 'takes a time of day like 12:00:00')
  return { text: `${clock}:${seconds}.${`${fraction}000`.slice(0, 3)}Z`, bare: false }
}

const NUMBERS: Family = { takes: ['integer', 'decimal', 'float', 'text', 'other'], format: number }
const TEXTS: Family = { takes: TEXT_KINDS, format: text }

/** Field types and what goes into them [D: Object Reference, field types]. What is not here cannot be written. */
const FAMILIES: Readonly<Record<string, Family>> = {
  string: TEXTS,
  textarea: TEXTS,
  url: TEXTS,
  phone: TEXTS,
  email: TEXTS,
  encryptedstring: TEXTS,
  combobox: TEXTS,
  picklist: { takes: TEXT_KINDS, format: option },
  multipicklist: { takes: TEXT_KINDS, format: options },
  id: { takes: ['text', 'other'], format: text },
  reference: { takes: ['text', 'other'], format: text },
  int: { takes: ['integer', 'decimal', 'float', 'text', 'other'], format: integer },
  long: { takes: ['integer', 'decimal', 'float', 'text', 'other'], format: integer },
  double: NUMBERS,
  currency: NUMBERS,
  percent: NUMBERS,
  boolean: { takes: ['boolean', 'text', 'other'], format: boolean },
  date: { takes: ['date', 'timestamp', 'text', 'other'], format: date },
  datetime: { takes: ['date', 'timestamp', 'text', 'other'], format: datetime },
  time: { takes: ['text', 'other'], format: time },
}

/** What fields of that type take; undefined where nothing can be written to them. */
export function kindsTaken(type: string): readonly ValueKind[] | undefined {
  return Object.hasOwn(FAMILIES, type) ? FAMILIES[type]?.takes : undefined
}

/** A canonical text, not empty, as it is sent to that field; or why it cannot be. */
export function formatValue(field: DescribedField, kind: ValueKind, value: string): SalesforceValue | Misfit {
  const family = FAMILIES[field.type] ?? TEXTS
  const spelled = kind === 'boolean' && family.format !== boolean ? (value === 't' ? 'true' : 'false') : value
  return family.format(spelled, field)
}

function unknownOptions(chosen: readonly string[], field: DescribedField): Misfit | undefined {
  const { restrictedPicklist, picklistValues } = field
  if (!restrictedPicklist || picklistValues == null) return undefined
  const known = new Set(picklistValues.filter(({ active }) => active).map(({ value }) => value))
  const unknown = chosen.find((value) => !known.has(value))
  if (unknown === undefined) return undefined
  const some = [...known].slice(0, 10).join(', ')
  const misfit = `has no option ${JSON.stringify(unknown)}; there are ${some}${known.size > 10 ? ' and more' : ''}`
  return unfit('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', misfit)
}

/** Options that are separated by semicolons, or the members of a JSON array. */
function listOf(value: string): string[] {
  if (value.startsWith('[')) {
    try {
      const members: unknown = JSON.parse(value)
      if (Array.isArray(members)) return members.map(String)
    } catch {
      // Then it is an option that begins with a bracket.
    }
  }
  return value.split(';').map((chosen) => chosen.trim())
}

function tooLarge(misfit: string): Misfit {
  return unfit('NUMBER_OUTSIDE_VALID_RANGE', misfit)
}

/** Dates are between these two [D: Object Reference, primitive data types]. */
function inRange(day: string): Misfit | undefined {
  if (day >= '1700-01-01' && day <= '4000-12-31') return undefined
  return unfit('INVALID_TYPE', 'takes days from 1700-01-01 to 4000-12-31')
}

function isDay(day: string): boolean {
  const at = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day)
}

function isClock(clock: string, seconds: string): boolean {
  return clock <= '23:59' && clock.slice(3) <= '59' && seconds <= '59'
}
