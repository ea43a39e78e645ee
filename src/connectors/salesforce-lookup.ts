import * as z from 'zod'
import type { Clock } from '../core/clock.ts'
import { RetryableError } from '../core/errors.ts'
import { loadSqlite, type SqliteDatabase, type SqliteStatement } from '../core/sqlite-driver.ts'
import { bulkQuery } from './salesforce-bulk-query.ts'
import type { DescribedField } from './salesforce-describe.ts'
import { matchIdentity, soqlLiteral } from './salesforce-match.ts'
import { readAs, type SalesforceSession } from './salesforce-session.ts'

/** The Ids of the records with a match: none, one, or several. */
export type FoundIds = (value: string) => readonly string[]

export interface LookupContext {
  readonly session: SalesforceSession
  readonly clock: Clock
}

const page = z.object({
  records: z.array(z.record(z.string(), z.unknown())),
  done: z.boolean(),
  nextRecordsUrl: z.string().nullish(),
})

/** Characters of the values of one query: the whole URL may have 16,384 [D], and values grow when they are encoded. */
const QUERY_CHARACTERS = 6_000

/** Values of one query. */
const QUERY_VALUES = 500

/** Finds records by their match, with a query for each few hundred values; a deleted record is none. */
export async function lookUp(
  { session }: LookupContext,
  object: string,
  match: DescribedField,
  values: readonly string[],
  signal: AbortSignal,
): Promise<FoundIds> {
  const found = new Map<string, string[]>()
  for (const some of queriesOf(match, values)) {
    const query = `SELECT Id, ${match.name} FROM ${object} WHERE ${match.name} IN (${some.join()})`
    let path: string | undefined = `query?${new URLSearchParams({ q: query })}`
    while (path !== undefined) {
      const reply = await session.json({ method: 'GET', path }, signal)
      const { records, done, nextRecordsUrl } = readAs(page, reply, 'records')
      for (const record of records) {
        const identity = matchIdentity(match, String(record[match.name] ?? ''))
        const ids = found.get(identity) ?? []
        ids.push(String(record['Id']))
        found.set(identity, ids)
      }
      if (!done && nextRecordsUrl == null) throw new RetryableError('a query broke off: its next page is not named')
      path = done ? undefined : nextRecordsUrl?.replace(/^.*\/(query\/)/, '$1')
    }
  }
  return (value) => found.get(matchIdentity(match, value)) ?? []
}

function* queriesOf(match: DescribedField, values: readonly string[]): Generator<string[]> {
  let some: string[] = []
  let characters = 0
  for (const value of values) {
    const literal = soqlLiteral(match, value)
    if (literal === undefined) continue
    const length = encodeURIComponent(literal).length + 3
    if (some.length > 0 && (characters + length > QUERY_CHARACTERS || some.length >= QUERY_VALUES)) {
      yield some
      some = []
      characters = 0
    }
    some.push(literal)
    characters += length
  }
  if (some.length > 0) yield some
}

/** The Ids of all records of an object by their match, in a temporary database: for more values than queries are good for. */
export class AllIds implements Disposable {
  readonly #database: SqliteDatabase
  readonly #find: SqliteStatement
  readonly #match: DescribedField

  private constructor(database: SqliteDatabase, match: DescribedField) {
    this.#database = database
    this.#match = match
    this.#find = database.prepare('SELECT id FROM ids WHERE identity = ?').pluck()
  }

  static async read(
    context: LookupContext,
    object: string,
    match: DescribedField,
    signal: AbortSignal,
  ): Promise<AllIds> {
    const Sqlite = await loadSqlite()
    const database = new Sqlite('')
    try {
      database.pragma('cache_size = -8192')
      database.exec('CREATE TABLE ids (identity TEXT, id TEXT, PRIMARY KEY (identity, id)) WITHOUT ROWID; BEGIN')
      const add = database.prepare('INSERT OR IGNORE INTO ids VALUES (?, ?)')
      const query = `SELECT Id, ${match.name} FROM ${object} WHERE ${match.name} != null`
      for await (const row of bulkQuery(context, { query, column: match.name }, signal)) {
        add.run(matchIdentity(match, row.cell(match.name)), row.cell('Id'))
      }
      return new AllIds(database, match)
    } catch (error) {
      database.close()
      throw error
    }
  }

  find(value: string): readonly string[] {
    return this.#find.all(matchIdentity(this.#match, value)) as string[]
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
