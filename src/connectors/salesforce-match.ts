import type { DescribedField } from './salesforce-describe.ts'
import { longRecordId } from './salesforce-record-id.ts'

const NUMBERS = new Set(['int', 'long', 'double', 'currency', 'percent'])

/**
 * What Salesforce compares when it matches by that field. White space at either end is not kept [A]; case counts only
 * where the field says so, and in ids.
 */
export function matchIdentity(field: DescribedField, value: string): string {
  if (field.type === 'id' || field.type === 'reference') return longRecordId(value)
  if (NUMBERS.has(field.type)) return plainNumber(value)
  const trimmed = value.trim()
  return field.caseSensitive ? trimmed : trimmed.toLowerCase()
}

/** A value of the match field as Salesforce gives it out, as the canonical text of a key. */
export function keyText(field: DescribedField, value: string): string {
  return NUMBERS.has(field.type) ? plainNumber(value) : value
}

/** A value of that field in SOQL [D: SOQL and SOSL reference, quoted strings]; undefined where no record can have it. */
export function soqlLiteral(field: DescribedField, value: string): string | undefined {
  if (NUMBERS.has(field.type)) return /^[+-]?\d+(\.\d+)?$/.test(value) ? value : undefined
  const escaped = value.replace(/[\\'"\n\r\t\b\f]/g, (character) => ESCAPES[character] as string)
  return `'${escaped}'`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
}

/** `007.50` as `7.5`; what is no plain number stays as it is. */
function plainNumber(value: string): string {
  const match = /^\s*([+-]?)0*(\d+)(?:\.(\d*))?\s*$/.exec(value)
  if (match === null) return value.trim()
  const [, sign, whole = '0', fraction = ''] = match
  let end = fraction.length
  while (fraction[end - 1] === '0') end--
  const digits = end === 0 ? whole : `${whole}.${fraction.slice(0, end)}`
  return sign === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits
}
