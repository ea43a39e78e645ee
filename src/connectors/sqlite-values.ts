import type { Field } from '../core/change.ts'
import type { SqliteColumn } from './sqlite-table.ts'

/**
 * Canonical text as values that SQLite stores without changing them, whatever the column's affinity makes of them.
 * A value that would come out as a different one is refused, never rounded.
 */

export type SqliteValue = string | number | bigint | Buffer | null

/** Why a value cannot be stored; becomes the rejected outcome of its row. */
export interface Refusal {
  readonly code: 'invalid_value' | 'out_of_range' | 'inexact_value'
  readonly message: string
}

/** Turns the text of one field into what is bound. Undefined in a list of binders: the text itself is bound. */
export type Binder = (text: string) => SqliteValue | Refusal

export function isRefusal(value: SqliteValue | Refusal): value is Refusal {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value)
}

export const INT64_MAX = 2n ** 63n - 1n
export const INT64_MIN = -(2n ** 63n)

/** What SQLite takes for a number when it is given as text. */
const NUMERIC_TEXT = /^[ \t-\r]*([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d+))?[ \t-\r]*$/i

/**
 * How the texts of a field are bound for a column. `match` fields are stricter: what is stored has to read back as
 * the same text, or the record would not be found again.
 */
export function binderFor(field: Field, column: SqliteColumn, match: boolean): Binder | undefined {
  switch (field.kind) {
    case 'boolean':
      return (text) => (text === 't' ? 1n : text === 'f' ? 0n : refuse('invalid_value', field, text, 'not a boolean'))
    case 'bytes':
      return (text) => bindBytes(field, text)
    case 'integer':
      return column.affinity === 'text' ? undefined : integerBinder(field, column, match)
    default: {
      if (column.affinity === 'text' || (column.affinity === 'none' && field.kind !== 'float')) return undefined
      const binder = numberBinder(field, column)
      return match ? exactly(field, column, binder) : binder
    }
  }
}

function bindBytes(field: Field, text: string): SqliteValue | Refusal {
  const bytes = Buffer.from(text.slice(2), 'hex')
  return text.startsWith('\\x') && bytes.length * 2 === text.length - 2
    ? bytes
    : refuse('invalid_value', field, text, 'not hexadecimal bytes')
}

function integerBinder(field: Field, column: SqliteColumn, match: boolean): Binder {
  // As a key, 007 and -0 are others than 7 and 0, which a column of integers cannot tell.
  const wanted = match ? /^(0|-?[1-9]\d*)$/ : /^[+-]?\d+$/
  return (text) => {
    if (!wanted.test(text)) {
      if (!/^[+-]?\d+$/.test(text)) return refuse('invalid_value', field, text, 'not an integer')
      return notFoundAgain(field, column, text, BigInt(text))
    }
    // The driver binds every number as a double: only a column that turns it back into an integer may get one.
    if (column.affinity !== 'none' && text.length <= 15) return Number(text)
    const value = BigInt(text)
    if (column.affinity === 'real') {
      const double = Number(text)
      return Number.isFinite(double) && BigInt(double) === value ? double : inexact(field, column, text)
    }
    if (value <= INT64_MAX && value >= INT64_MIN) return value
    return refuse('out_of_range', field, text, 'beyond the 64 bits of an SQLite integer, use a TEXT column')
  }
}

/** NaN would be stored as null, so it stays text; the infinities are numbers to SQLite. */
function unusual(text: string): SqliteValue | undefined {
  if (text === 'NaN') return text
  if (text === 'Infinity') return Number.POSITIVE_INFINITY
  return text === '-Infinity' ? Number.NEGATIVE_INFINITY : undefined
}

/** For floats, and for columns that turn text that looks like a number into one. Other text they store as it is. */
function numberBinder(field: Field, column: SqliteColumn): Binder {
  const numeric = field.kind === 'decimal' || field.kind === 'float'
  return (text) => {
    const parts = NUMERIC_TEXT.exec(text)
    if (parts === null) {
      if (!numeric) return text
      return unusual(text) ?? refuse('invalid_value', field, text, 'not a number')
    }
    const value = Number(text)
    // A double keeps every decimal of up to 15 digits.
    if (text.length <= 15 && parts[3] === undefined) return value
    const digits = normalized(parts)
    const kept = NUMERIC_TEXT.exec(String(value))
    if (kept !== null && normalized(kept) === digits) return value
    const whole = column.affinity === 'real' ? undefined : wholeNumber(digits)
    return whole ?? inexact(field, column, text)
  }
}

/** `-12.50` as `-125e-1`: equal for equal numbers. */
function normalized([, sign, mantissa, exponent]: readonly string[]): string {
  const [whole = '', fraction = ''] = (mantissa as string).split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  let end = digits.length
  // A pattern would try again at each nought.
  while (digits[end - 1] === '0') end--
  const significant = digits.slice(0, end)
  if (significant === '') return '0e0'
  const power = Number(exponent ?? 0) - fraction.length + (digits.length - significant.length)
  return `${sign === '-' ? '-' : ''}${significant}e${power}`
}

/** The integer of that normalized form, where it is one and fits 64 bits. */
function wholeNumber(normal: string): bigint | undefined {
  const [significant, power] = normal.split('e') as [string, string]
  if (power.startsWith('-') || Number(power) > 18) return undefined
  const value = BigInt(significant + '0'.repeat(Number(power)))
  return value <= INT64_MAX && value >= INT64_MIN ? value : undefined
}

function exactly(field: Field, column: SqliteColumn, binder: Binder): Binder {
  return (text) => {
    const value = binder(text)
    if ((typeof value === 'number' || typeof value === 'bigint') && String(value) !== text)
      return notFoundAgain(field, column, text, value)
    return value
  }
}

function notFoundAgain(field: Field, column: SqliteColumn, text: string, value: number | bigint): Refusal {
  const why = `column "${column.name}" would hold ${shortened(String(value))}, and the record would not be found again`
  return refuse('inexact_value', field, text, `${why}: make the column TEXT`)
}

function inexact(field: Field, column: SqliteColumn, text: string): Refusal {
  const why = `column "${column.name}" (${column.type}) would not keep all its digits`
  return refuse('inexact_value', field, text, `${why}: make the column TEXT`)
}

function refuse(code: Refusal['code'], field: Field, text: string, why: string): Refusal {
  return { code, message: `${field.name} is ${JSON.stringify(shortened(text))}: ${why}` }
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
