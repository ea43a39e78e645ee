import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { counts, type Ends, serverForTests, values } from '../support/ends.ts'

const { eachDestination } = serverForTests()

const users = (ends: Ends) => ends.destination.rows('SELECT * FROM users ORDER BY 1')

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

async function makeTables({ source, destination }: Ends): Promise<void> {
  await source.execute('CREATE TABLE model (id bigint, name text, other text)')
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text, other text)')
}

eachDestination('fields come from columns, hashes, templates, constants and run variables', async (ends) => {
  await ends.source.execute('CREATE TABLE model (id bigint, email text, first text, last text, ltv text)')
  await ends.destination.execute(`
    CREATE TABLE users (user_id bigint PRIMARY KEY, mail text, mail_hash text, full_name text, ltv text, plan text,
      stage text, run text, synced_at text, sync text, untouched text DEFAULT 'mine')`)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a@example.com', 'Ada', 'L.', '10.50'],
      [2, null, null, 'B', null],
    ])}`,
  )
  const sync = {
    fields: {
      user_id: 'id',
      mail: 'email',
      mail_hash: { from: 'email', hash: 'sha256' },
      full_name: { template: '{first} {last} {{{id}}}' },
      ltv: { from: 'ltv', type: 'number', nulls: 'skip' },
      plan: { value: 'free' },
      stage: { value: 'new', on: 'insert' },
      run: { variable: 'run.id' },
      synced_at: { variable: 'run.started_at' },
      sync: { variable: 'sync.name' },
    },
  } as const
  const first = await ends.run(sync)
  assert.deepEqual(first.report.counts, counts({ read: 2, inserted: 2 }))
  const { run_id: run, started_at: at } = first.report
  const hash = sha256('a@example.com')
  const one = ['1', 'a@example.com', hash, 'Ada L. {1}', '10.50', 'free', 'new', run, at, 'users', 'mine']
  assert.deepEqual(await users(ends), [one, ['2', null, null, ' B {2}', null, 'free', 'new', run, at, 'users', 'mine']])
  const quiet = await ends.run(sync)
  assert.equal(quiet.report.requests.sent, 0)

  await ends.source.execute(`UPDATE model SET email = 'b@example.com', first = 'Bea', ltv = '3' WHERE id = 2`)
  await ends.destination.execute(`UPDATE users SET stage = 'edited'`)
  const second = await ends.run(sync)
  assert.deepEqual(second.report.counts, counts({ read: 2, unchanged: 1, updated: 1 }))
  const again = [second.report.run_id, second.report.started_at, 'users', 'mine']
  const two = ['2', 'b@example.com', sha256('b@example.com'), 'Bea B {2}', '3', 'free', 'edited', ...again]
  assert.deepEqual(await users(ends), [one.with(6, 'edited'), two])

  // A null leaves the field as it is where it says so.
  await ends.source.execute('UPDATE model SET ltv = null, email = null WHERE id = 2')
  const third = await ends.run(sync)
  assert.deepEqual((await users(ends))[1], [
    ...['2', null, null, 'Bea B {2}', '3', 'free', 'edited'],
    ...[third.report.run_id, third.report.started_at, 'users', 'mine'],
  ])
})

eachDestination('columns that are not mapped are not compared', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a', 'x'],
      [2, 'b', 'x'],
    ])}`,
  )
  const sync = { exclude: ['other'] }
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, inserted: 2 }))
  await ends.source.execute(`UPDATE model SET other = 'y'`)
  assert.equal((await ends.run(sync)).report.requests.sent, 0)
  assert.deepEqual(await users(ends), [
    ['1', 'a', null],
    ['2', 'b', null],
  ])
})

eachDestination('a changed mapping sends every row once, and says so', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a', 'x'],
      [2, 'b', 'y'],
    ])}`,
  )
  const first = await ends.run({ fields: { id: 'id', name: 'name' } })
  const note = 'the mapping has changed since the last run, so every row counts as changed once'
  assert.ok(!first.notes.includes(note))

  const more = { fields: { id: 'id', name: 'name', other: 'other' } } as const
  const planned = await ends.run(more, { dryRun: true })
  assert.ok(planned.notes.includes(note))
  const second = await ends.run(more)
  assert.ok(second.notes.includes(note))
  assert.deepEqual(second.report.counts, counts({ read: 2, updated: 2 }))
  assert.deepEqual(second.report.counts, planned.report.counts)
  assert.deepEqual(await users(ends), [
    ['1', 'a', 'x'],
    ['2', 'b', 'y'],
  ])
  const third = await ends.run(more)
  assert.ok(!third.notes.includes(note))
  assert.equal(third.report.requests.sent, 0)

  const variable = { fields: { ...more.fields, name: { value: 'fixed', on: 'insert' } } } as const
  assert.deepEqual((await ends.run(variable)).report.counts, counts({ read: 2, updated: 2 }))
  const other = { fields: { ...more.fields, name: { value: 'otherwise', on: 'insert' } } } as const
  assert.equal((await ends.run(other)).report.requests.sent, 0)
})

eachDestination('a run with --full sends every row again', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a', 'x'],
      [2, 'b', 'y'],
    ])}`,
  )
  await ends.run()
  await ends.destination.execute(`UPDATE users SET name = 'edited'`)
  assert.equal((await ends.run()).report.requests.sent, 0)
  assert.deepEqual((await ends.run({}, { full: true })).report.counts, counts({ read: 2, updated: 2 }))
  assert.deepEqual(await ends.destination.rows('SELECT name FROM users ORDER BY id'), [['a'], ['b']])
})

eachDestination('a key that changes is a delete and an insert', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a', 'x'],
      [2, 'b', 'y'],
    ])}`,
  )
  await ends.run()
  await ends.source.execute('UPDATE model SET id = 10 WHERE id = 1')
  const { report } = await ends.run()
  assert.deepEqual(report.counts, counts({ read: 2, inserted: 1, unchanged: 1, missing: 1, deleted: 1 }))
  assert.deepEqual(await users(ends), [
    ['2', 'b', 'y'],
    ['10', 'a', 'x'],
  ])
})

eachDestination('composite keys are told apart by every part, whatever is in them', async (ends) => {
  await ends.source.execute('CREATE TABLE model (tenant text, id bigint, name text)')
  await ends.destination.execute('CREATE TABLE users (ref bigint, org text, name text, PRIMARY KEY (org, ref))')
  const tenants = ['', 'a', 'a\tb', 'a\\', 'ä', '\u{1f600}', '\uffff', 'Z', '\n']
  const rows = tenants.flatMap((tenant) => [-5, 0, 7].map((id) => [tenant, id, `${tenant}/${id}`]))
  await ends.source.execute(`INSERT INTO model ${values(rows)}`)
  const sync = { key: ['tenant', 'id'], fields: { name: 'name', ref: 'id', org: 'tenant' } }
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 27, inserted: 27 }))
  assert.equal((await ends.run(sync)).report.requests.sent, 0)

  await ends.source.execute(`
    DELETE FROM model WHERE id = 0; UPDATE model SET name = 'new' WHERE id = 7;
    INSERT INTO model ${values([
      ['a', 8, 'more'],
      ['ab', 0, 'more'],
    ])}`)
  const { report } = await ends.run(sync)
  assert.deepEqual(report.counts, counts({ read: 20, inserted: 2, updated: 9, unchanged: 9, missing: 9, deleted: 9 }))
  const model = await ends.source.rows('SELECT id, tenant, name FROM model')
  const records = await ends.destination.rows('SELECT ref, org, name FROM users')
  assert.deepEqual(records.map((row) => row.join('|')).sort(), model.map((row) => row.join('|')).sort())
  assert.equal((await ends.run(sync)).report.requests.sent, 0)
})

eachDestination('another key than the index was made with is refused, and so is another destination', async (ends) => {
  await makeTables(ends)
  await ends.destination.execute('CREATE TABLE users2 (id bigint PRIMARY KEY, name text UNIQUE, other text)')
  await ends.destination.execute('CREATE UNIQUE INDEX users_name ON users (name)')
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a', 'x'],
      [2, 'b', 'y'],
    ])}`,
  )
  await ends.run()
  await ends.source.execute('DELETE FROM model WHERE id = 1')
  const before = await users(ends)

  const otherKey = await ends.run({ key: 'name' })
  assert.equal(otherKey.report.status, 'failed')
  assert.deepEqual([otherKey.report.error?.code, otherKey.report.error?.kind], ['index_key_changed', 'configuration'])
  assert.match(otherKey.report.error?.message ?? '', /the key has changed: .* `rowferry index rebuild users`$/)

  const otherTable = await ends.run({ destination: { connection: 'target', table: 'users2' } })
  assert.deepEqual([otherTable.report.error?.code, otherTable.report.error?.kind], ['index_foreign', 'configuration'])
  assert.match(
    otherTable.report.error?.message ?? '',
    /the destination has changed: .* `rowferry index rebuild users`$/,
  )

  await ends.source.execute('ALTER TABLE model ALTER COLUMN id TYPE text')
  assert.equal((await ends.run()).report.error?.kind, 'configuration')
  assert.deepEqual(await users(ends), before)
  assert.deepEqual(await ends.destination.rows('SELECT * FROM users2'), [])
})

eachDestination('a table that is missing is created where the sync says so', async (ends) => {
  await ends.source.execute('CREATE TABLE model (id bigint, name text, amount numeric(30,10), at timestamptz)')
  await ends.source.execute(`INSERT INTO model VALUES (1, 'a', 12345678901234567890.0123456789, 'infinity')`)
  const sync = { destination: { connection: 'target', table: 'made', create: true } }
  const planned = await ends.run(sync, { dryRun: true })
  assert.equal(planned.report.counts.inserted, 1)
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 1, inserted: 1 }))
  assert.deepEqual(await ends.destination.rows('SELECT * FROM made'), [
    ['1', 'a', '12345678901234567890.0123456789', 'infinity'],
  ])
  assert.equal((await ends.run(sync)).report.requests.sent, 0)
})
