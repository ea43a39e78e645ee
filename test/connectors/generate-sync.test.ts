import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sync } from '../../src/index.ts'
import { readGenerated } from '../support/generated-reading.ts'
import { sqliteFile } from '../support/sqlite-file.ts'

for (const key of ['integer', 'text', 'uuid'] as const) {
  test(`a table follows the generations, with keys of type ${key}`, async () => {
    using file = sqliteFile()
    const expected = [
      { inserted: 5000, updated: 0, deleted: 0, unchanged: 0 },
      { inserted: 50, updated: 500, deleted: 25, unchanged: 4475 },
      { inserted: 50, updated: 500, deleted: 25, unchanged: 4500 },
      { inserted: 0, updated: 0, deleted: 0, unchanged: 5050 },
    ]
    for (const [run, counts] of expected.entries()) {
      const options = {
        rows: 5000,
        key,
        generation: Math.min(run, 2),
        change_rate: 0.1,
        delete_rate: 0.005,
        new_rate: 0.01,
      }
      const report = await sync({
        version: 1,
        state: `${file.folder}/state`,
        connections: { rows: { type: 'generate', ...options }, app: `sqlite:${file.path}` },
        syncs: {
          contacts: {
            source: { connection: 'rows', table: 'contacts' },
            key: 'id',
            mode: 'mirror',
            destination: { connection: 'app', table: 'contacts', create: true },
          },
        },
      })
      assert.equal(report.error, null)
      const { inserted, updated, deleted, unchanged } = report.counts
      assert.deepEqual({ inserted, updated, deleted, unchanged }, counts, `run ${run}`)
      const { rows } = await readGenerated(options, { columns: ['id', 'email', 'updated_at', 'lifetime_value'] })
      const stored = file.rows(
        'SELECT CAST(id AS TEXT), email, updated_at, lifetime_value IS NULL FROM contacts ORDER BY contacts.id',
      )
      assert.deepEqual(
        stored,
        rows.map(([id, email, updated, value]) => [id, email, updated, value === null ? 1n : 0n]),
      )
    }
  })
}
