import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import type { FatalError } from '../../src/core/errors.ts'
import type { RowBatch } from '../../src/core/row-batch.ts'
import type { Reading } from '../../src/core/source.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { startProxy } from '../support/postgres-proxy.ts'
import {
  administer,
  backends,
  backendsGone,
  openModel,
  READERS,
  readModel,
  startReading,
} from '../support/postgres-reading.ts'

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
  // More than all buffers between the server and the reader hold together.
  await admin.query(`
    create table wide (id int primary key, v text);
    insert into wide select g, repeat('x', 1000) from generate_series(1, 40000) g`)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** A model that stops in its middle for a minute, after a good part of its rows was sent. */
const STALLS = `select g as id, case when g = 30000 then pg_sleep(60)::text else repeat('x', 100) end as v
                from generate_series(1, 40000) as g order by g`

/** The batches up to the error that ends the stream. Fails where it ends without one. */
async function untilError(
  { rows }: Reading,
  onFirst?: () => Promise<unknown>,
): Promise<{ batches: RowBatch[]; error: FatalError }> {
  const batches: RowBatch[] = []
  try {
    for await (const batch of rows) {
      batches.push(batch)
      if (batches.length === 1) await onFirst?.()
    }
  } catch (error) {
    assert.ok(batches.every((batch) => batch.end === undefined))
    return { batches, error: error as FatalError }
  }
  throw new assert.AssertionError({ message: 'the stream ended as if all was well' })
}

/** Cancels the query of rowferry once it stands still. */
async function cancelSleeper(admin: pg.Client): Promise<void> {
  const cancel = `select pg_cancel_backend(pid) from pg_stat_activity
                  where application_name = 'rowferry' and wait_event = 'PgSleep'`
  while ((await admin.query(cancel)).rows.length === 0) await admin.query('select pg_sleep(0.01)')
}

for (const read of READERS) {
  test(`fails when the backend is terminated half way (${read})`, async () => {
    await using source = await openModel(server.url, { read, table: 'wide' })
    const reading = await startReading(source)
    const [pid] = await backends(admin)
    const { batches, error } = await untilError(reading, () => admin.query('select pg_terminate_backend($1)', [pid]))
    assert.equal(error.code, 'connection_lost')
    assert.match(error.message, /^the connection to 127\.0\.0\.1:\d+\/postgres was lost after \d+ rows/)
    assert.ok(batches.length > 0)
  })

  test(`fails when the query is cancelled half way (${read})`, async () => {
    await using source = await openModel(server.url, { read, sql: STALLS })
    const reading = await startReading(source)
    const [{ error }] = await Promise.all([untilError(reading), cancelSleeper(admin)])
    assert.equal(error.code, 'query_cancelled')
    assert.match(error.message, /due to user request.*run again/)
  })

  test(`fails when a statement timeout strikes half way (${read})`, async () => {
    await using source = await openModel(`${server.url}?options=-c%20statement_timeout=400ms`, { read, sql: STALLS })
    const { batches, error } = await untilError(await startReading(source))
    assert.equal(error.code, 'query_cancelled')
    assert.match(error.message, /after \d+ rows .*ALTER ROLE postgres SET statement_timeout/)
    assert.ok(batches.length > 0)
  })

  test(`fails when a value cannot be computed half way (${read})`, async () => {
    await using source = await openModel(server.url, {
      read,
      sql: 'select id, 1000 / (id - 30000) as ratio, v from wide',
    })
    const { error } = await untilError(await startReading(source))
    assert.equal(error.code, 'model_failed')
    assert.match(error.message, /after \d+ rows \(division by zero, SQLSTATE 22012\)/)
  })

  test(`fails when nothing comes for too long, and stops the query (${read})`, async () => {
    await using source = await openModel(server.url, { read, sql: STALLS, idleTimeoutMs: 300 })
    const { error } = await untilError(await startReading(source))
    assert.equal(error.code, 'source_idle')
    assert.match(error.message, /nothing came from 127.0.0.1:\d+\/postgres for 0\.3 s/)
    await backendsGone(admin)
  })

  test(`is patient with a next stage that is slower than the idle timeout (${read})`, async () => {
    await using source = await openModel(server.url, { read, table: 'wide', idleTimeoutMs: 100 })
    let count = 0
    let first = true
    for await (const batch of (await startReading(source)).rows) {
      if (first) await admin.query('select pg_sleep(0.4)')
      first = false
      count += batch.count
    }
    assert.equal(count, 40_000)
  })

  test(`fails wherever the connection is cut (${read})`, async () => {
    for (const cutAfter of [20_000, 65_536, 1_000_001, 40_000_000]) {
      await using proxy = await startProxy(server.port, { cutAfter })
      await using source = await openModel(server.url.replace(String(server.port), String(proxy.port)), {
        read,
        table: 'wide',
      })
      const { error } = await untilError(await startReading(source))
      assert.equal(error.code, 'connection_lost')
    }
  })

  test(`proves no end that it was not told, whichever of the last bytes is missing (${read})`, async () => {
    const through = (port: number) => server.url.replace(String(server.port), String(port))
    const model = { read, sql: 'select g as id from generate_series(1, 3) as g' }
    await using whole = await startProxy(server.port)
    assert.equal((await readModel(through(whole.port), model)).end?.proven, true)
    const { sent } = whole
    for (let missing = 1; missing < 120; missing += 2) {
      await using proxy = await startProxy(server.port, { cutAfter: sent - missing })
      await assert.rejects(readModel(through(proxy.port), model), { code: 'connection_lost' })
    }
    // Had anything been asked behind the end, the answer would be here.
    assert.equal(whole.sent, sent)
  })

  test(`fails when the network goes silent (${read})`, async () => {
    await using proxy = await startProxy(server.port, { silentAfter: 500_000 })
    const url = server.url.replace(String(server.port), String(proxy.port))
    await using source = await openModel(url, { read, table: 'wide', idleTimeoutMs: 200 })
    const { error } = await untilError(await startReading(source))
    assert.equal(error.code, 'source_idle')
  })

  test(`leaves no connection when the stream is destroyed half way (${read})`, async () => {
    await using source = await openModel(server.url, { read, sql: STALLS })
    const { rows } = await startReading(source)
    for await (const batch of rows) {
      assert.ok(batch.count > 0)
      break
    }
    assert.ok(rows.destroyed)
    await backendsGone(admin)
  })

  test(`is destroyed with the reason of the signal (${read})`, async () => {
    const controller = new AbortController()
    await using source = await openModel(server.url, { read, table: 'wide' })
    const reading = await startReading(source, {}, controller.signal)
    const reason = new Error('stopped by the user')
    const { error } = await untilError(reading, async () => controller.abort(reason))
    assert.equal(error, reason)
    await backendsGone(admin)
  })

  test(`closes everything when it is disposed half way (${read})`, async () => {
    const source = await openModel(server.url, { read, sql: STALLS })
    const { rows } = await startReading(source)
    await once(rows, 'readable')
    await source[Symbol.asyncDispose]()
    await backendsGone(admin)
    await source[Symbol.asyncDispose]()
  })

  test(`refuses a row that is too large to hold (${read})`, async () => {
    await assert.rejects(
      readModel(server.url, {
        read,
        sql: `select g as id, repeat('x', g * 8000000) as v from generate_series(1, 3) as g`,
      }),
      { code: 'row_too_large', message: /row 3 of the model is larger than 16 MiB/ },
    )
    await backendsGone(admin)
  })
}

test('proves no end where the server counted other rows than arrived, or did not commit', async () => {
  for (const [told, instead] of [
    ['COPY 3\0', 'COPY 4\0'],
    ['COMMIT\0', 'ROLLED\0'],
  ] as const) {
    const rewrite = (chunk: Buffer) => Buffer.from(chunk.toString('latin1').replace(told, instead), 'latin1')
    await using proxy = await startProxy(server.port, { rewrite })
    const url = server.url.replace(String(server.port), String(proxy.port))
    const sql = 'select g as id from generate_series(1, 3) as g'
    await assert.rejects(readModel(url, { sql }), { code: 'source_incomplete' })
  }
})

test('fails, and does not end the process, when the connection drops before the read', async () => {
  await using source = await openModel(server.url, { table: 'wide' })
  await source.describe()
  const [pid] = await backends(admin)
  await admin.query('select pg_terminate_backend($1)', [pid])
  await backendsGone(admin)
  await assert.rejects(startReading(source), { code: 'connection_lost' })
  await assert.rejects(source.hasAtLeast(1), { code: 'connection_lost' })
})

test('gives up on a server that stops answering', async () => {
  await using source = await openModel(server.url, { table: 'wide', idleTimeoutMs: 200 })
  await source.describe()
  const [pid] = await backends(admin)
  process.kill(pid as number, 'SIGSTOP')
  try {
    await assert.rejects(source.hasAtLeast(1), { code: 'source_idle' })
  } finally {
    process.kill(pid as number, 'SIGCONT')
  }
  await backendsGone(admin)
})

test('opens no connection for a source that is only opened, and none after it was described and disposed', async () => {
  const source = await openModel(server.url, { table: 'wide' })
  assert.deepEqual(await backends(admin), [])
  await source.describe()
  assert.equal((await backends(admin)).length, 1)
  await source[Symbol.asyncDispose]()
  await backendsGone(admin)
})
