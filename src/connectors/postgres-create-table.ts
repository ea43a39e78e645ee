import type pg from 'pg'
import type { ObjectRequest } from '../core/destination.ts'
import { configurationError, messageOf } from '../core/errors.ts'
import { quoteIdentifier, quoteLiteral } from './postgres-identifiers.ts'
import { quotedTable } from './postgres-table.ts'

/** Characters of a statement that a message may show: one of a thousand columns would hide what is wrong. */
const LONGEST_EXAMPLE = 2000

/**
 * Creates the table: a column for each field, the match fields as its primary key. A type that this database does not
 * know, such as an enum of the source, becomes text, which holds what it prints. Does nothing where the table exists.
 */
export async function createTable(
  client: pg.Client,
  table: { readonly schema: string; readonly name: string },
  object: ObjectRequest,
): Promise<void> {
  const typeOf = new Map<string, string>()
  for (const { type } of object.fields) {
    if (!typeOf.has(type)) typeOf.set(type, (await isKnownType(client, type)) ? type : 'text')
  }
  const columns = object.fields.map(({ name, type }) => `${quoteIdentifier(name)} ${typeOf.get(type)}`)
  const key = object.match.map(quoteIdentifier).join(', ')
  const statement = `CREATE TABLE IF NOT EXISTS ${quotedTable(table)} (${[...columns, `PRIMARY KEY (${key})`].join(', ')})`
  try {
    await client.query(statement)
  } catch (error) {
    const example = statement.length > LONGEST_EXAMPLE ? '' : `, such as with ${statement}`
    throw configurationError(
      'cannot_create_table',
      `the table ${object.name} cannot be created (${messageOf(error)}): create it yourself${example}`,
      error,
    )
  }
}

/**
 * Whether the text is the name of a type and nothing else: only then may it stand in a statement. Servers before 16
 * throw at a text that is no name at all.
 */
async function isKnownType(client: pg.Client, type: string): Promise<boolean> {
  try {
    const { rows } = await client.query<[string]>({
      text: `SELECT 1 FROM pg_catalog.pg_type
        WHERE oid = pg_catalog.to_regtype(${quoteLiteral(type)}) AND typtype <> 'p' AND typisdefined`,
      rowMode: 'array',
    })
    return rows.length === 1
  } catch (error) {
    if ((error as { code?: unknown }).code === '42601') return false
    throw error
  }
}
