import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connect, postgresOptions } from '../../src/connectors/postgres-connection.ts'
import { exchange } from '../../src/connectors/postgres-exchange.ts'
import { RetryableError } from '../../src/core/errors.ts'
import { startPostgres } from '../../src/testing/postgres.ts'
import { batch, DestinationDatabase, never, write } from '../support/destination-database.ts'

const database = DestinationDatabase.forThisFile()

const OURS = "application_name = 'rowferry'"

/** Asks until so many of our connections are in such a state. */
async function until(count: number, state: string): Promise<void> {
  const found = `SELECT count(*) FROM pg_stat_activity WHERE ${OURS} AND ${state}`
  // Inside a transaction the view would show for ever what it showed first.
  do await database.run('SELECT pg_stat_clear_snapshot()')
  while ((await database.rows(found))[0] !== String(count))
}

const BLOCKED = "wait_event_type = 'Lock'"
const BUSY = "state <> 'idle'"

describe('a write that is interrupted', () => {
  for (const [what, sql] of [
    ['by a connection that ends', 'pg_terminate_backend'],
    ['by a statement that is cancelled', 'pg_cancel_backend'],
  ] as const) {
    it(`${what} may be sent again, and nothing of it was applied`, async () => {
      const name = await database.table(sql)
      await using destination = await database.open(name)
      await write(destination, 'upsert', ['1 A'])
      await database.run(`BEGIN; LOCK TABLE ${name}`)
      const interrupted = assert.rejects(destination.write(batch('upsert', ['2 B', '4 d']), never), RetryableError)
      await until(1, BLOCKED)
      await database.run(`SELECT ${sql}(pid) FROM pg_stat_activity WHERE ${OURS} AND ${BLOCKED}`)
      await interrupted
      await database.run('COMMIT')
      assert.deepEqual(await database.rows(`SELECT * FROM ${name} ORDER BY id`), ['1 A', '2 b', '3 c'])
      assert.deepEqual(await write(destination, 'upsert', ['2 B', '4 d']), ['done', 'done'])
      assert.deepEqual(await database.rows(`SELECT * FROM ${name} ORDER BY id`), ['1 A', '2 B', '3 c', '4 d'])
    })
  }

  it('between two batches costs one attempt at most', async () => {
    await using destination = await database.open(await database.table('idled'))
    await write(destination, 'upsert', ['1 A'])
    await database.run(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE ${OURS}`)
    const outcomes = write(destination, 'upsert', ['2 B']).catch((error: unknown) => {
      assert.ok(error instanceof RetryableError)
      return write(destination, 'upsert', ['2 B'])
    })
    assert.deepEqual(await outcomes, ['done'])
  })

  it('by the signal ends at once with its reason, also on the server', async () => {
    const name = await database.table('aborted')
    await using destination = await database.open(name)
    const stop = new AbortController()
    const reason = new Error('stopped by the user')
    await database.run(`BEGIN; LOCK TABLE ${name}`)
    const interrupted = assert.rejects(
      destination.write(batch('upsert', ['2 B']), stop.signal),
      (error) => error === reason,
    )
    await until(1, BLOCKED)
    stop.abort(reason)
    await interrupted
    await until(0, BUSY)
    await database.run('COMMIT')
    assert.deepEqual(await database.rows(`SELECT * FROM ${name} ORDER BY id`), ['1 a', '2 b', '3 c'])
    await assert.rejects(destination.write(batch('upsert', ['2 B']), stop.signal), (error) => error === reason)
    assert.deepEqual(await write(destination, 'upsert', ['2 B']), ['done'])
  })

  it('by a deadlock may be sent again', async () => {
    const name = await database.table('deadlocked')
    await using destination = await database.open(name)
    await database.run(`SET deadlock_timeout = '1h'; BEGIN; UPDATE ${name} SET name = 'x' WHERE id = 2`)
    const interrupted = assert.rejects(destination.write(batch('update', ['1 A', '2 B']), never), {
      name: 'RetryableError',
      message: /deadlock detected \(40P01\)/,
    })
    await until(1, BLOCKED)
    await database.run(`UPDATE ${name} SET name = 'x' WHERE id = 1`)
    await interrupted
    await database.run('COMMIT')
    assert.deepEqual(await write(destination, 'update', ['1 A', '2 B']), ['done', 'done'])
  })
})

describe('connections', () => {
  it('overlapping writes take one each, and use it again', async () => {
    const name = await database.table('overlapping')
    await using destination = await database.open(name)
    const count = `SELECT count(*) FROM pg_stat_activity WHERE ${OURS}`
    const before = Number((await database.rows(count))[0])
    for (let round = 0; round < 5; round++) {
      const one = Array.from({ length: 500 }, (_, id) => `${id} ${round}`)
      const other = Array.from({ length: 500 }, (_, id) => `${id + 500} ${round}`)
      await Promise.all([write(destination, 'upsert', one), write(destination, 'upsert', other)])
    }
    assert.ok(Number((await database.rows(count))[0]) - before <= 2)
    assert.deepEqual(await database.rows(`SELECT name, count(*) FROM ${name} GROUP BY 1`), ['4 1000'])
  })

  it('are closed when the destination is', async () => {
    {
      await using destination = await database.open(await database.table('closed'))
      await write(destination, 'upsert', ['1 A'])
    }
    await until(0, 'true')
  })

  it('that silence swallows are given up', async () => {
    const client = await connect(postgresOptions.parse({ url: database.server.url }))
    await assert.rejects(exchange(client, ['SELECT pg_sleep(60)'], { signal: never, idleTimeoutMs: 50 }), {
      name: 'RetryableError',
      message: /did not answer for 0.05 s/,
    })
    await until(0, BUSY)
  })

  it('to a server that is gone may come back', async () => {
    const server = await startPostgres()
    await using destination = await database.open('users', { port: server.port, create: true })
    await destination.prepare()
    assert.deepEqual(await write(destination, 'upsert', ['1 a']), ['done'])
    await server[Symbol.asyncDispose]()
    await assert.rejects(destination.write(batch('upsert', ['2 b']), never), RetryableError)
    await assert.rejects(destination.write(batch('upsert', ['2 b']), never), {
      name: 'RetryableError',
      message: /connection refused/,
    })
  })

  it('that a pooler shares out between transactions are named', async () => {
    const name = await database.table('pooled')
    await using destination = await database.open(name)
    await write(destination, 'upsert', ['1 A'])
    await database.run(`DO $$ DECLARE stage text; BEGIN
      SELECT format('DROP TABLE %s', oid::regclass) INTO stage FROM pg_class WHERE relname = 'rowferry_stage_1';
      EXECUTE stage; END $$`)
    await assert.rejects(destination.write(batch('upsert', ['2 B']), never), {
      name: 'FatalError',
      code: 'pooled_connection',
    })
  })
})
