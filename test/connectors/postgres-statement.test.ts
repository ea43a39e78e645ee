import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { connect, disconnect, postgresOptions } from '../../src/connectors/postgres-connection.ts'
import { describeQuery } from '../../src/connectors/postgres-statement.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { startProxy } from '../support/postgres-proxy.ts'
import { openModel } from '../support/postgres-reading.ts'

/** The server ends each exchange with it. */
const READY = 'Z\0\0\0\x05'

let server: TestPostgres
let client: pg.Client

before(async () => {
  server = await startPostgres()
  client = await connect(postgresOptions.parse({ url: server.url }))
})

after(async () => {
  await disconnect(client)
  await server[Symbol.asyncDispose]()
})

const describe = (text: string, probe = `select * from (${text}) as model limit 0`, values: (string | null)[] = []) =>
  describeQuery(client, text, { text: probe, values })

test('a query is described with its columns and parameters, and starts', async () => {
  const text = 'select $1::int4 as a, 1.5::numeric(12,2) as b'
  const { parameters, columns, refusal } = await describe(text, undefined, ['7'])
  assert.deepEqual(parameters, [23])
  assert.deepEqual(columns, [
    { name: 'a', type: 23, modifier: -1 },
    { name: 'b', type: 1700, modifier: ((12 << 16) | 2) + 4 },
  ])
  assert.equal(refusal, undefined)
})

test('what is refused is told apart, and the connection goes on', async () => {
  const refused = async (...[text, probe, values]: Parameters<typeof describe>) => {
    const { columns, refusal } = await describe(text, probe, values)
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: '1' }])
    return [columns?.length, refusal?.at, (refusal?.error as pg.DatabaseError | undefined)?.code]
  }
  assert.deepEqual(await refused('selec 1'), [undefined, 'query', '42601'])
  assert.deepEqual(await refused('show work_mem'), [1, 'probe', '42601'])
  assert.deepEqual(await refused('create table no (id int)'), [undefined, 'probe', '42601'])
  assert.deepEqual(await refused('select $1::int4 as a', undefined, ['x']), [1, 'start', '22P02'])
  assert.deepEqual(await refused('select null::int4 as a', 'select 1/$1::int4', ['0']), [1, 'start', '22012'])
})

test('a query that is described is not run', async () => {
  await client.query('create table written (id int)')
  const { columns, refusal } = await describe('insert into written values (1) returning id')
  assert.deepEqual([columns?.length, refusal?.at], [1, 'probe'])
  assert.deepEqual((await client.query('select * from written')).rows, [])
})

test('a model is opened and described in four exchanges with the server, the greeting included', async () => {
  let exchanges = 0
  const rewrite = (chunk: Buffer) => {
    exchanges += chunk.toString('latin1').split(READY).length - 1
    return chunk
  }
  await using proxy = await startProxy(server.port, { rewrite })
  const url = `postgres://postgres@127.0.0.1:${proxy.port}/postgres`
  await using source = await openModel(url, { sql: 'select 1 as id, :word as word', params: { word: 'x' } })
  assert.equal((await source.describe()).length, 2)
  assert.equal(exchanges, 4)
})

test('rejects where the connection ends', async () => {
  const own = await connect(postgresOptions.parse({ url: server.url }))
  const described = describeQuery(own, 'select 1 as id', { text: 'select pg_sleep(1000)', values: [] })
  own.connection.stream.destroy()
  await assert.rejects(described, /Connection terminated/)
  await disconnect(own)
})
