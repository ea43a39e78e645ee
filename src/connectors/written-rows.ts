import type { Field } from '../core/change.ts'
import { jsonToken } from './json-token.ts'

/** How rows are written down: as CSV, or as one JSON object a line. Each line is written whole, its newline included. */

type Values = readonly (string | null)[]

/** What a spreadsheet takes for a formula: also behind quotes that were put there to prevent it. */
const FORMULA = /^'*[=+\-@\t\r]/

/**
 * A line of CSV as RFC 4180 and Postgres write it. Null is nothing, an empty text is `""`. `escapes` says which cells
 * get a quote before what a spreadsheet would take for a formula.
 */
export function csvLine(values: Values, escapes: readonly boolean[] = []): string {
  let line = ''
  for (let index = 0; index < values.length; index++) {
    if (index > 0) line += ','
    const value = values[index] as string | null
    if (value !== null) line += csvCell(escapes[index] === true && FORMULA.test(value) ? `'${value}` : value)
  }
  return `${line}\n`
}

function csvCell(value: string): string {
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

/** A cell without the quote that {@link csvLine} has put before it. */
export function withoutEscape(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell
}

/** Which cells of these fields may be taken for a formula: what holds a number or a date never is. */
export function formulaCells(fields: readonly Field[]): boolean[] {
  return fields.map(({ kind }) => kind === 'text' || kind === 'other' || kind === 'json')
}

/**
 * Fields as members of a JSON object, without its brackets. Numbers are written digit by digit and JSON as it is;
 * everything that JSON has no type for is a text.
 */
export function jsonMembers(fields: readonly Field[], values: Values): string {
  let members = ''
  for (let index = 0; index < fields.length; index++) {
    if (index > 0) members += ','
    const { name, kind } = fields[index] as Field
    members += `${JSON.stringify(name)}:${jsonToken(kind, values[index] as string | null)}`
  }
  return members
}
