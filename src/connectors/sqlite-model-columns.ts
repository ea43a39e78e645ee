import type { Column, KeyEncoding, ValueKind } from '../core/column.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { SqliteDatabase, SqliteStatement } from '../core/sqlite-driver.ts'
import { explained, isSqliteFailure } from './sqlite-error.ts'
import type { SqliteModel } from './sqlite-model.ts'
import { sameName, tableNames } from './sqlite-table.ts'

/**
 * SQLite knows a type for each value and not for the column: what a column was declared as says what its values should
 * be. A column that is no column of a table (an expression) has no declared type.
 *
 * | declared as     | kind    | key is encoded as | and holds                    |
 * |-----------------|---------|-------------------|------------------------------|
 * | …INT…           | integer | integer           | integers                     |
 * | …BOOL…          | boolean | boolean           | 0 and 1                      |
 * | …CHAR…CLOB…TEXT | text    | text              | texts                        |
 * | …BLOB…          | bytes   | bytes             | blobs                        |
 * | …REAL…FLOA…DOUB | float   | text              | texts and integers           |
 * | …NUM…DEC…       | decimal | text              | texts and integers           |
 * | …JSON…          | json    | text              | texts and integers           |
 * | anything else   | other   | text              | texts and integers           |
 *
 * A row whose key holds anything else is `unreadable_key`: its place in the order is not known.
 */
const DECLARED: readonly (readonly [RegExp, ValueKind, string, KeyEncoding])[] = [
  [/int/i, 'integer', 'bigint', 'integer'],
  [/bool/i, 'boolean', 'boolean', 'boolean'],
  [/char|clob|text/i, 'text', 'text', 'text'],
  [/blob/i, 'bytes', 'bytea', 'bytes'],
  [/real|floa|doub/i, 'float', 'double precision', 'text'],
  [/num|dec/i, 'decimal', 'numeric', 'text'],
  [/json/i, 'json', 'jsonb', 'text'],
]

/** What the model is: its columns, once SQLite has taken it for a single query that only reads. */
export function describeModel(database: SqliteDatabase, model: SqliteModel, path: string): readonly Column[] {
  const statement = prepareModel(database, model, path)
  if (!statement.reader || !statement.readonly) {
    throw configurationError('model_not_a_query', 'the model is not a query that only reads: write a single SELECT')
  }
  const columns = statement.columns().map(({ name, type }): Column => {
    const [, kind, printed, keyEncoding] = DECLARED.find(([pattern]) => pattern.test(type ?? '')) ?? []
    return { name, type: printed ?? 'text', kind: kind ?? 'other', keyEncoding: keyEncoding ?? 'text' }
  })
  const double = columns.find(({ name }, index) =>
    columns.some((other, at) => at < index && sameName(name, other.name)),
  )
  if (double !== undefined) {
    throw configurationError(
      'model_duplicate_column',
      `the model has more than one column named "${double.name}": give each its own name with AS`,
    )
  }
  return columns
}

function prepareModel(database: SqliteDatabase, model: SqliteModel, path: string): SqliteStatement {
  return explained(path, () => {
    try {
      return database.prepare(model.sql)
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error)
      if (model.table !== undefined && /^no such table/.test(said)) {
        throw configurationError(
          'model_table_missing',
          `${path} has no table "${model.table}"${suggestion(model.table, tableNames(database))}: correct its name`,
          error,
        )
      }
      const table = /^no such table: (?:main\.)?(.+)$/.exec(said)?.[1]
      if (table !== undefined) {
        const near = suggestion(table, tableNames(database))
        const message = `the model reads a table that ${path} does not have, "${table}"${near}: correct its name`
        throw configurationError('model_table_missing', message, error)
      }
      // What SQLite says of a text has no code of its own: any other code is about the file.
      if (isSqliteFailure(error) && error.code !== 'SQLITE_ERROR') throw error
      throw configurationError('model_invalid', `SQLite refuses the model (${said}): correct it`, error)
    }
  })
}
