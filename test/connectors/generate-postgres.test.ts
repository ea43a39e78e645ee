import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { startPostgres, type TestPostgres } from '../../src/testing/index.ts'
import { openGenerated, readGenerated } from '../support/generated-reading.ts'

let postgres: TestPostgres
let client: pg.Client

before(async () => {
  postgres = await startPostgres()
  client = new pg.Client(postgres.url)
  await client.connect()
})

after(async () => {
  await client.end()
  await postgres[Symbol.asyncDispose]()
})

for (const key of ['integer', 'text', 'uuid'] as const) {
  test(`generated values are the text that Postgres prints for them, with keys of type ${key}`, async () => {
    const options = { rows: 3000, key, generation: 1, change_rate: 0.3 }
    await using source = await openGenerated(options)
    const columns = await source.describe()
    const table = columns.map(({ name, type }) => `${name} ${type}`).join(', ')
    await client.query(`CREATE TEMP TABLE model_${key} (${table})`)
    await client.query("SET TimeZone = 'UTC'")
    const { rows } = await readGenerated(options)
    const arrays = columns.map((_, field) => rows.map((row) => row[field] ?? null))
    const casts = columns.map(({ type }, field) => `$${field + 1}::text[]::${type}[]`).join(', ')
    await client.query(`INSERT INTO model_${key} SELECT * FROM unnest(${casts})`, arrays)
    const read = columns.map(({ name, kind }) => (kind === 'boolean' ? `left(${name}::text, 1)` : `${name}::text`))
    const stored = await client.query({ text: `SELECT ${read.join(', ')} FROM model_${key}`, rowMode: 'array' })
    assert.deepEqual(stored.rows, rows)
    const order = key === 'text' ? 'id COLLATE "C"' : 'id'
    const sorted = await client.query({
      text: `SELECT id::text AS text FROM model_${key} ORDER BY ${order}`,
      rowMode: 'array',
    })
    assert.deepEqual(
      sorted.rows.map(([id]) => id),
      rows.map(([id]) => id),
    )
  })
}
