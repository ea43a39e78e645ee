import pg from 'pg'
import QueryStream from 'pg-query-stream'
import type { Timed } from './server.ts'

const COLUMNS = 'id, email, first_name, last_name, city, plan, lifetime_value, seats, active, updated_at'
const WIDTH = 10
const BATCH = 500

/** What one writes first: a stream over the model, and upserts of 500 rows. Every row is sent every time. */
export async function naiveCopy(from: string, to: string): Promise<Timed> {
  const source = new pg.Client(from)
  const destination = new pg.Client(to)
  await Promise.all([source.connect(), destination.connect()])
  const updates = COLUMNS.split(', ').map((column) => `${column} = excluded.${column}`)
  const send = async (rows: readonly unknown[][]) => {
    const places = rows.map(
      (_, row) => `(${Array.from({ length: WIDTH }, (_, field) => `$${row * WIDTH + field + 1}`).join(', ')})`,
    )
    const sql = `INSERT INTO mirrored (${COLUMNS}) VALUES ${places.join(', ')} ON CONFLICT (id) DO UPDATE SET ${updates.join(', ')}`
    await destination.query(sql, rows.flat())
  }
  const began = performance.now()
  let rows: unknown[][] = []
  const options = { rowMode: 'array', batchSize: BATCH } as const
  for await (const row of source.query(new QueryStream(`SELECT ${COLUMNS} FROM contacts`, [], options))) {
    rows.push(row as unknown[])
    if (rows.length < BATCH) continue
    await send(rows)
    rows = []
  }
  if (rows.length > 0) await send(rows)
  const ms = performance.now() - began
  await Promise.all([source.end(), destination.end()])
  return { ms }
}
