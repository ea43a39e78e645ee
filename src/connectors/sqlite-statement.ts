import type { Field, Operation } from '../core/change.ts'
import { EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import { findUniqueKey, quote, type SqliteColumn, type SqliteTable, sameName } from './sqlite-table.ts'

/** One statement of an operation, and which field each of its parameters takes, in order. */
export interface StatementPlan {
  readonly sql: string
  /**
   * The statement for so many rows, one behind the other, where it answers for all of them: done, or none of them. A
   * trigger might keep some (RAISE(FAIL)), or fire again for rows that are tried again.
   */
  readonly several?: (rows: number) => string
  readonly parameters: readonly number[]
  /** What it means that the statement changed no row. */
  readonly unchanged: Outcome
}

/** Constraints may say `ON CONFLICT REPLACE` or `ROLLBACK`: OR ABORT overrules them, so that a bad row harms no other. */
const OR_ABORT = 'OR ABORT'

const NOT_WRITTEN: Outcome = {
  status: 'rejected',
  code: 'not_written',
  message: 'the database took the record and wrote nothing: look at the triggers of the table',
}

/** `columns[i]` is the column of `fields[i]`; the first `match` of them find the record. */
export function planStatement(
  operation: Operation,
  table: SqliteTable,
  fields: readonly Field[],
  columns: readonly SqliteColumn[],
  match: number,
): StatementPlan {
  const target = quote(table.name)
  const where = matching(table, columns.slice(0, match))
  if (operation === 'delete') {
    const sql = `DELETE FROM ${target} WHERE ${where.sql}`
    return { sql, parameters: where.parameters, unchanged: { status: 'done' } }
  }
  const always = fields.map((_, index) => index).filter((index) => index >= match && fields[index]?.on === 'always')
  const name = (index: number) => quote(columns[index]?.name as string)
  if (operation === 'update') {
    const set = always.map((index) => {
      const value = fields[index]?.nulls === 'skip' ? `coalesce(?, ${name(index)})` : '?'
      return `${name(index)} = ${value}`
    })
    const assignments = set.length === 0 ? `${name(0)} = ${name(0)}` : set.join(', ')
    const sql = `UPDATE ${OR_ABORT} ${target} SET ${assignments} WHERE ${where.sql}`
    return { sql, parameters: [...always, ...where.parameters], unchanged: NOT_FOUND }
  }
  const all = fields.map((_, index) => index)
  const into = `INSERT ${OR_ABORT} INTO ${target} (${all.map(name).join(', ')}) VALUES`
  const row = `(${all.map(() => '?').join(', ')})`
  const conflict = `ON CONFLICT (${all.slice(0, match).map(name).join(', ')})`
  if (operation === 'insert')
    return { sql: `${into} ${row} ${conflict} DO NOTHING`, parameters: all, unchanged: EXISTS }
  // A match column of another collation may hold other bytes than the key: it becomes what the model says.
  const renamed = all.slice(0, match).filter((index) => collationOf(table, columns, match, index) !== 'BINARY')
  const set = [...renamed, ...always].map((index) => {
    const value = `excluded.${name(index)}`
    return `${name(index)} = ${fields[index]?.nulls === 'skip' ? `coalesce(${value}, ${name(index)})` : value}`
  })
  const assignments = set.length === 0 ? `${name(0)} = ${name(0)}` : set.join(', ')
  const upsert = (rows: number) =>
    `${into} ${new Array(rows).fill(row).join(', ')} ${conflict} DO UPDATE SET ${assignments}`
  return { sql: upsert(1), ...(!table.triggers && { several: upsert }), parameters: all, unchanged: NOT_WRITTEN }
}

/**
 * The condition that finds exactly the record of a key. Keys are compared as bytes, whatever a column's collation
 * calls equal: an index of another collation narrows the search, and the bytes decide.
 */
function matching(table: SqliteTable, columns: readonly SqliteColumn[]): { sql: string; parameters: number[] } {
  const terms: string[] = []
  const parameters: number[] = []
  for (const [index, column] of columns.entries()) {
    const name = quote(column.name)
    const collation = collationOf(table, columns, columns.length, index)
    if (collation !== 'BINARY') {
      terms.push(`${name} = ? COLLATE ${quote(collation)}`)
      parameters.push(index)
    }
    terms.push(`${name} = ? COLLATE BINARY`)
    parameters.push(index)
  }
  return { sql: terms.join(' AND '), parameters }
}

function collationOf(table: SqliteTable, columns: readonly SqliteColumn[], match: number, index: number): string {
  const names = columns.slice(0, match).map((column) => column.name)
  const unique = findUniqueKey(table, names)
  const part = unique?.columns.find((column) => sameName(column.name, names[index] as string))
  return (part?.collation ?? 'BINARY').toUpperCase()
}
