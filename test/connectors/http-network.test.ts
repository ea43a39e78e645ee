import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, test } from 'node:test'
import { RetryableError, UnansweredError } from '../../src/core/errors.ts'
import { fatal, openHttp, statuses } from '../support/http-connection.ts'
import { httpSimulator } from '../support/http-simulator.ts'

const simulator = await httpSimulator()
const people = { upsert: { method: 'PUT', path: '/v1/people/{id}', body: '$record' } }
const rows = [{ id: '1', name: 'x' }]
const port = new URL(simulator.url).port

test('reaches no address of this machine or of a private network, however it is written', async () => {
  await simulator.reset()
  const hosts = [
    '127.0.0.1',
    '127.8.9.10',
    '127.1',
    '2130706433',
    '0177.0.0.1',
    '0x7f.1',
    '0.0.0.0',
    '10.1.2.3',
    '192.168.1.1',
    '169.254.169.254',
    '[::]',
    '[::1]',
    '[fe80::1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[fd00::1]',
    // A name that resolves to the loopback.
    'localhost',
  ]
  for (const host of hosts) {
    const options = { base_url: `http://${host}:${port}`, objects: { people }, allow_private_hosts: false }
    await using http = await openHttp(options)
    await assert.rejects(
      http.write('upsert', rows),
      fatal('private_host', /address of this machine or of a private network/),
    )
  }
  assert.deepEqual(await simulator.requests(), [])
})

test('gets no token from a private address either', async () => {
  await simulator.reset()
  const auth = {
    type: 'oauth_client_credentials',
    token_url: `${simulator.url}/oauth/token`,
    client_id: 'me',
    client_secret: 'secret',
  }
  const options = { base_url: 'https://api.example.com', auth, objects: { people }, allow_private_hosts: false }
  await using http = await openHttp(options)
  await assert.rejects(http.destination.check(), fatal('private_host'))
  assert.deepEqual(await simulator.requests(), [])
})

test('follows no redirect, least of all one to another host', async () => {
  const other = await httpSimulator()
  for (const status of [301, 302, 303, 307, 308]) {
    const query = { status, to: `${other.url}/v1/people/1` }
    const redirected = { upsert: { method: 'PUT', path: '/redirect', query, body: '$record' } }
    const auth = { type: 'bearer', token: 'never elsewhere' }
    await using http = await openHttp({ base_url: simulator.url, auth, objects: { people: redirected } })
    await assert.rejects(http.write('upsert', rows), fatal('redirected', /none is followed/))
  }
  assert.deepEqual(await other.requests(), [])
})

test('reads no more of a reply than it may', async () => {
  const big = { upsert: { method: 'PUT', path: '/big', query: { bytes: 200_000 }, body: '$record' } }
  await using http = await openHttp({ base_url: simulator.url, objects: { people: big }, max_reply: '100kB' })
  await assert.rejects(http.write('upsert', rows), fatal('reply_too_large', /larger than 100000 bytes/))
  await using other = await openHttp({ base_url: simulator.url, objects: { people: big }, max_reply: '1MB' })
  assert.deepEqual(statuses(await other.write('upsert', rows)), ['done'])
})

test('waits no longer than its time-outs, and knows what it does not know', async () => {
  await simulator.door('faults', { rules: [{ fault: 'hang' }] })
  await using http = await openHttp({ base_url: simulator.url, objects: { people }, timeout: '150ms' })
  await assert.rejects(http.write('upsert', rows), UnansweredError)
  await simulator.door('faults', { rules: [{ fault: 'stall', when: 'after' }] })
  await assert.rejects(http.write('upsert', rows), UnansweredError)
  await simulator.door('faults', { rules: [] })
})

test('says that nothing was sent where nobody listens', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const free = (server.address() as { port: number }).port
  await new Promise((resolve) => server.close(resolve))
  await using http = await openHttp({ base_url: `http://127.0.0.1:${free}`, objects: { people } })
  await assert.rejects(http.write('upsert', rows), (thrown: unknown) => {
    return thrown instanceof RetryableError && !(thrown instanceof UnansweredError)
  })
})

test('writes keys into paths so that they arrive as they are, and refuses those that would climb', async () => {
  await simulator.reset()
  const keys = ['a/b', 'a%2Fb', 'a?b=c', '#', 'é😀', 'a b+c', '...', '%2e%2e', '../..', "o'clock;x=1"]
  const fields = { id: 'text', name: 'text' } as const
  await using http = await openHttp({ base_url: simulator.url, objects: { people } }, { fields })
  for (const id of keys) assert.deepEqual(statuses(await http.write('upsert', [{ id, name: 'x' }])), ['done'], id)
  assert.deepEqual(
    (await simulator.records('people')).map(({ key }) => key),
    keys,
  )
  for (const id of ['.', '..']) {
    assert.deepEqual(statuses(await http.write('upsert', [{ id, name: 'x' }])), ['rejected unsafe_path'])
  }
})

test('posts every change to a connection that is nothing but a URL', async () => {
  await simulator.reset()
  await using http = await openHttp(
    { url: `${simulator.url}/v1/events/append` },
    { mode: 'mirror', object: 'anything' },
  )
  assert.deepEqual(
    await http.destination.check(),
    [
      `upsert: POST ${simulator.url}/v1/events/append {"operation":"upsert","key":"<id>","record":{"id":"<id>","name":"<name>"}}`,
      `delete: POST ${simulator.url}/v1/events/append {"operation":"delete","key":"<id>"}`,
    ].toSpliced(
      1,
      0,
      `update: POST ${simulator.url}/v1/events/append {"operation":"update","key":"<id>","record":{"id":"<id>","name":"<name>"}}`,
    ),
  )
  await http.write('upsert', rows)
  await http.write('update', [{ id: '1', name: 'y' }])
  await http.write('delete', rows)
  assert.deepEqual(await simulator.fields('events'), [
    { operation: 'upsert', key: '1', record: { id: 1, name: 'x' } },
    { operation: 'update', key: '1', record: { id: 1, name: 'y' } },
    { operation: 'delete', key: '1' },
  ])
})
