import type { Field } from '../core/change.ts'
import type { KeyEncoding } from '../core/column.ts'
import type { TableColumn } from './postgres-table.ts'

/**
 * Whether a match field comes back from the table with the text it had in the model. Keys are compared by their text,
 * in the key index, while Postgres finds a record by its value: where `ABC` of a text column becomes `abc` of a uuid
 * column, the list of the table would show a key that the model lacks, and its record would be deleted.
 */

/** `text`, `varchar`: they keep whatever is put into them. */
const KEEPS_ALL = /^(text|character varying(\(\d+\))?)$/

/** Types whose cast to text, which the key is made of, is not what they print and what the field therefore carries. */
const PRINTS_OTHERWISE = /^(inet|character(\(\d+\))?|bpchar|"char")$/

/** `timestamp(3) with time zone` without its precision. */
function withoutModifier(type: string): string {
  return type.replace(/\(\d+(, ?-?\d+)?\)/, '')
}

/** Every value of the model's type keeps its text in the column; where not, some may, and each has to be looked at. */
export function keepsText(field: Field, column: TableColumn): boolean {
  if (column.baseType === field.type || KEEPS_ALL.test(column.baseType)) return true
  if (field.kind === 'integer' && column.keyEncoding === 'integer') return true
  return column.baseType === column.baseName && withoutModifier(field.type) === column.baseType
}

/** The text of the key is never the text in the column, so that a list of the table would show other keys. */
export function losesText(field: Field, column: TableColumn, encoding: KeyEncoding): boolean {
  return encoding === 'text' && PRINTS_OTHERWISE.test(field.type) && column.baseName !== withoutModifier(field.type)
}
