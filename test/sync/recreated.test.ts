import assert from 'node:assert/strict'
import { counts, serverForTests } from '../support/ends.ts'

const { eachDestination } = serverForTests()

eachDestination(
  'fills a table that somebody dropped, instead of trusting the index',
  async ({ run, source, destination }) => {
    await source.execute("CREATE TABLE model (id bigint, name text); INSERT INTO model VALUES (1, 'a'), (2, 'b')")
    const users = () => destination.rows('SELECT id, name FROM users ORDER BY id')
    for (const sync of [
      { mode: 'upsert' as const },
      { mode: 'mirror' as const, deletes: { scope: 'seen' as const } },
    ]) {
      const input = { ...sync, destination: { connection: 'target', table: 'users', create: true } }
      await run(input)
      await destination.execute('DROP TABLE users')
      const { report: planned } = await run(input, { dryRun: true })
      assert.deepEqual(planned.counts, counts({ read: 2, inserted: 2 }))
      const { report } = await run(input)
      assert.equal(report.status, 'succeeded')
      assert.deepEqual(report.counts, counts({ read: 2, inserted: 2 }))
      assert.equal((await users()).length, 2)
    }
  },
)

eachDestination(
  'deletes what the model held only as duplicates, once it is gone',
  async ({ run, source, destination }) => {
    await destination.execute(
      "CREATE TABLE users (id bigint PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'x'), (2, 'y')",
    )
    await source.execute(
      "CREATE TABLE model (id bigint, name text); INSERT INTO model VALUES (1, 'a'), (1, 'b'), (3, 'c')",
    )
    const seen = { mode: 'mirror' as const, deletes: { scope: 'seen' as const } }
    const first = await run(seen)
    assert.deepEqual(first.report.counts, counts({ read: 3, inserted: 1, invalid: 2, missing: 1, kept: 1 }))
    await source.execute('DELETE FROM model WHERE id = 1')
    const second = await run(seen)
    assert.deepEqual(second.report.counts, counts({ read: 1, unchanged: 1, missing: 2, deleted: 1, kept: 1 }))
  },
)
