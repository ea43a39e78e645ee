import { after, before } from 'node:test'
import pg from 'pg'
import { postgresDestination } from '../../src/connectors/postgres-destination.ts'
import type { ChangeBatch, Field, Operation } from '../../src/core/change.ts'
import type { KeyEncoding } from '../../src/core/column.ts'
import type { Destination } from '../../src/core/destination.ts'
import type { SyncMode } from '../../src/core/sync-mode.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { field } from './batch-field.ts'

export const ID = field('id', 'integer')
export const NAME = field('name')
export const never = new AbortController().signal

export interface OpenRequest {
  /** Default: id and name. */
  readonly fields?: readonly Field[]
  /** Default: id. */
  readonly match?: readonly string[]
  /** Default: mirror. */
  readonly mode?: SyncMode
  readonly keyEncodings?: readonly KeyEncoding[]
  readonly create?: boolean
  readonly user?: string
  readonly database?: string
  /** Port of a proxy before the server. */
  readonly port?: number
}

/** A Postgres server for the tests of one file, and a connection that looks at it by other means than the connector. */
export class DestinationDatabase {
  #server: TestPostgres | undefined
  #client: pg.Client | undefined

  /** Starts before the tests of the calling file, and stops behind them. */
  static forThisFile(): DestinationDatabase {
    const database = new DestinationDatabase()
    before(async () => {
      database.#server = await startPostgres()
      database.#client = new pg.Client(database.server.url)
      await database.#client.connect()
    })
    after(async () => {
      await database.#client?.end()
      await database.#server?.[Symbol.asyncDispose]()
    })
    return database
  }

  get server(): TestPostgres {
    if (this.#server === undefined) throw new Error('the server is not running')
    return this.#server
  }

  async run(sql: string): Promise<void> {
    await this.#client?.query(sql)
  }

  /** Rows with their values between blanks, null as `-`. */
  async rows(sql: string): Promise<string[]> {
    const result = await this.#client?.query({ text: sql, rowMode: 'array' })
    return (result?.rows ?? []).map((row: unknown[]) => row.map((value) => value ?? '-').join(' '))
  }

  /** A new table with the records `1 a`, `2 b` and `3 c`. */
  async table(name: string, columns = 'id bigint PRIMARY KEY, name text'): Promise<string> {
    await this.run(`CREATE TABLE ${name} (${columns}); INSERT INTO ${name} VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
    return name
  }

  async open(name: string, request: OpenRequest = {}): Promise<Destination> {
    const { fields = [ID, NAME], match = ['id'], mode = 'mirror', create = false } = request
    const url = new URL(this.server.url)
    url.username = request.user ?? 'postgres'
    url.pathname = request.database ?? 'postgres'
    url.port = String(request.port ?? this.server.port)
    return postgresDestination.open(
      postgresDestination.options.parse({ url: url.href }),
      {
        name,
        mode,
        fields,
        match,
        keyEncodings: request.keyEncodings ?? match.map(() => 'text' as const),
        create,
        deletesAs: 'delete',
      },
      testContext(),
    )
  }
}

/** A batch of rows as {@link DestinationDatabase.rows} prints them. */
export function batch(
  operation: Operation,
  lines: readonly string[],
  fields: readonly Field[] = [ID, NAME],
): ChangeBatch {
  const rows = lines.map((line) => line.split(' ').map((value) => (value === '-' ? null : value)))
  return changeBatch(operation, fields, rows)
}

/** Writes such a batch; answers each outcome as one word: its status, or the code it was rejected with. */
export async function write(
  destination: Destination,
  operation: Operation,
  lines: readonly string[],
  fields?: readonly Field[],
): Promise<string[]> {
  const outcomes = await destination.write(batch(operation, lines, fields), never)
  return outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.code : outcome.status))
}
