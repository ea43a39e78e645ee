import { createHash } from 'node:crypto'
import type { Client } from 'pg'

/** What a table holds: two tables of equal digests hold the same rows. */
export interface TableDigest {
  readonly rows: number
  /** SHA-256, hexadecimal, over the rows in key order, each as a JSON array of its texts. */
  readonly sha256: string
}

/** Both sides are read without the engine, each by its own driver, so that a mistake of the engine shows. */

export async function digestOfPostgres(client: Client): Promise<TableDigest> {
  await client.query(`SET TimeZone = 'UTC'; SET DateStyle = 'ISO'`)
  const { rows } = await client.query<(string | null)[]>({
    text: `SELECT id, email, first_name, company, plan, lifetime_value, consent::int, signed_up_at
           FROM contacts ORDER BY id`,
    rowMode: 'array',
    // As Postgres wrote it: nothing goes through a JavaScript number or Date.
    types: { getTypeParser: () => (text: string) => text },
  })
  return digest(rows)
}

export async function digestOfSqlite(file: string): Promise<TableDigest> {
  const { default: Database } = await import('better-sqlite3')
  const database = new Database(file, { readonly: true })
  try {
    const rows = database
      .prepare(
        `SELECT CAST(id AS TEXT), email, first_name, company, plan, lifetime_value, CAST(consent AS TEXT), signed_up_at
         FROM contacts ORDER BY id`,
      )
      .raw()
      .iterate() as Iterable<(string | null)[]>
    return digest(rows)
  } finally {
    database.close()
  }
}

function digest(rows: Iterable<(string | null)[]>): TableDigest {
  const hash = createHash('sha256')
  let count = 0
  for (const row of rows) {
    hash.update(`${JSON.stringify(row)}\n`)
    count++
  }
  return { rows: count, sha256: hash.digest('hex') }
}
