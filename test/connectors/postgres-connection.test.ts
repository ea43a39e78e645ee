import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { connect, disconnect, identity, located, postgresOptions } from '../../src/connectors/postgres-connection.ts'
import { postgresDestination } from '../../src/connectors/postgres-destination.ts'
import { postgresSource } from '../../src/connectors/postgres-source.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { administer, backendsGone, openModel, startReading } from '../support/postgres-reading.ts'
import { unlessHere } from '../support/unless-here.ts'

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Writes a file that the server's user may read. */
function writeForServer(name: string, text: string): string {
  const path = join(server.dataDirectory, name)
  writeFileSync(path, text)
  const { uid, gid } = statSync(server.dataDirectory)
  chownSync(path, uid, gid)
  chmodSync(path, 0o600)
  return path
}

async function failure(options: Record<string, unknown>) {
  const result = await connect(postgresOptions.parse(options)).then(
    async (client) => disconnect(client),
    (error: { code: string; kind: string; message: string }) => error,
  )
  assert.ok(result !== undefined, 'it connected')
  return result
}

test('takes a URL, its parts, or both', () => {
  const parts = { host: 'db.example.org', port: 6432, database: 'mart', user: 'me', password: 'p@ss/w:rd#%' }
  const url = 'postgresql://me:p%40ss%2Fw%3Ard%23%25@db.example.org:6432/mart'
  const options = postgresOptions.parse({ url })
  assert.deepEqual(options, postgresOptions.parse({ type: 'postgres', ...parts }))
  assert.equal(options.password, parts.password)
  assert.equal(options.sslmode, 'verify-full')
  assert.equal(options.connectTimeoutMs, 10_000)
  assert.equal(postgresOptions.parse({ url, database: 'other', port: '5' }).database, 'other')
  const more = postgresOptions.parse({
    url: 'postgres://u@/?host=/var/run/postgresql&dbname=a%20b&connect_timeout=3&application_name=x&target_session_attrs=any',
  })
  assert.deepEqual(
    [more.host, more.database, more.connectTimeoutMs, more.applicationName, more.sslmode],
    ['/var/run/postgresql', 'a b', 3000, 'x', 'disable'],
  )
  assert.equal(postgresOptions.parse({ url: 'postgres://me@[::1]/x' }).host, '::1')
})

test('asks for TLS with a verified server wherever the network is left to others', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1', '/tmp', 'db.localhost']) {
    assert.equal(postgresOptions.parse({ host, database: 'x' }).sslmode, 'disable', host)
  }
  for (const host of ['10.0.0.1', 'db', '127.0.0.1.example.org', 'localhost.example.org', '1::1']) {
    assert.equal(postgresOptions.parse({ host, database: 'x' }).sslmode, 'verify-full', host)
  }
})

test('the authorities of the system are asked about every host, also one of this machine', () => {
  const { sslmode } = postgresOptions.parse({ host: 'localhost', database: 'x', sslrootcert: 'system' })
  assert.equal(sslmode, 'verify-full')
})

test('names what is wrong with options, and never the password', () => {
  for (const [options, expected] of [
    [{ url: 'mysql://me:secret@h/x' }, /starts with postgres:\/\//],
    [{ url: 'postgres://me:sec/ret@h/x' }, /write \/ as %2F/],
    [{ url: 'postgres://me:sec#ret@h/x' }, /write \/ as %2F/],
    [{ url: 'postgres://me:secret%@h/x' }, /% as %25/],
    [{ url: 'postgres://me:secret@h:port/x' }, /cannot be read/],
    [{ url: 'postgres://me:secret@a,b/x' }, /several hosts/],
    [{ url: 'postgres://h' }, /no database is named/],
    [{ host: 'h' }, /no database is named/],
    [{ url: 'postgres://me:secret@h/x?sslmod=require' }, /unknown parameter sslmod/],
    [{ url: 'postgres://me:secret@h/x?sslmode=on' }, /sslmode in the URL/],
    [{ host: 'h', database: 'x', sslmode: 'yes' }, /Invalid option/],
    [{ host: 'h', database: 'x', pasword: 'secret' }, /pasword/],
    [{ host: 'h', database: 'x', port: true }, /expected a port from 1 to 65535/],
    [{ host: 'h', database: 'x', port: '' }, /expected a port from 1 to 65535/],
    [{ host: 'h', database: 'x', port: '65536' }, /expected a port from 1 to 65535/],
    [{ host: 'h', database: 'x', port: [5432] }, /expected a port from 1 to 65535/],
    [{ host: 'h', database: 'x', connect_timeout: '' }, /expected seconds, at most 2147483/],
    [{ host: 'h', database: 'x', connect_timeout: null }, /expected seconds, at most 2147483/],
    [{ url: 'postgres://me:secret@h/x?connect_timeout=soon' }, /connect_timeout in the URL: expected seconds/],
    [{ url: 'postgres://me:secret@h/x?port=' }, /port in the URL: expected a port/],
    [
      { host: 'h', database: 'x', sslmode: 'verify-ca', sslrootcert: 'system' },
      /means nothing with sslmode verify-ca: set/,
    ],
    [{ url: 'postgres://me:secret@h/x?sslmode=require&sslrootcert=system' }, /means nothing with sslmode require/],
    [{ host: 'localhost', database: 'x', channel_binding: 'require' }, /require needs TLS.*set sslmode/],
    [{ host: '/tmp', database: 'x', sslmode: 'require', channel_binding: 'require' }, /require needs TLS/],
    [{ url: 'postgres://me:secret@h/x?sslmode=disable&channel_binding=require' }, /require needs TLS/],
  ] as const) {
    const { error } = postgresOptions.safeParse(options)
    const message = error?.issues.map((issue) => issue.message).join('\n') ?? ''
    assert.match(message, expected)
    assert.doesNotMatch(message, /secret|ret@/)
  }
})

test('certificates are found from the folder of the configuration, whoever names them', () => {
  const url = 'postgres://me@h/x?sslrootcert=ca.pem&sslkey=/etc/own.key'
  const { sslrootcert, sslcert, sslkey } = located(postgresOptions.parse({ url, sslcert: 'tls/own.crt' }), '/srv/sync')
  assert.deepEqual([sslrootcert, sslcert, sslkey], ['/srv/sync/ca.pem', '/srv/sync/tls/own.crt', '/etc/own.key'])
  const system = postgresOptions.parse({ host: 'h', database: 'x', sslrootcert: 'system' })
  assert.deepEqual(located(system, '/srv/sync'), system)
  for (const { locate } of [postgresSource, postgresDestination]) assert.equal(locate, located)
})

test('names a place without who goes there', () => {
  const here = identity(postgresOptions.parse({ url: 'postgres://me:secret@DB.example.org/a%2Fb?sslmode=require' }))
  assert.equal(here, 'postgres://db.example.org:5432/a%2Fb')
  assert.equal(identity(postgresOptions.parse({ url: 'postgres://[::1]:1/x' })), 'postgres://[::1]:1/x')
  assert.equal(identity(postgresOptions.parse({ host: '/tmp', database: 'x' })), 'postgres://%2Ftmp:5432/x')
})

test('connects with raw text, a name, and a listener for its end', async () => {
  const client = await connect(postgresOptions.parse({ url: server.url }), { applicationName: 'rowferry test' })
  const { rows } = await client.query(
    "select 1::int8 as n, now()::text = '' as f, current_setting('application_name') as a",
  )
  assert.deepEqual(rows, [{ n: '1', f: 'f', a: 'rowferry test' }])
  const ended = new Promise<void>((resolve) => client.once('end', resolve))
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rowferry test'")
  await ended
  await disconnect(client)
})

test('says who does not answer: nobody listens, no such host, no such database', async () => {
  const { port } = server
  const closed = await failure({ host: '127.0.0.1', port: 1, database: 'x', password: 'secret' })
  assert.deepEqual([closed.code, closed.kind], ['connection_failed', 'failed'])
  assert.match(closed.message, /127\.0\.0\.1:1\/x \(connection refused\): check host and port/)
  const unknown = await failure({ host: 'no-such-host.invalid', database: 'x' })
  assert.equal(unknown.code, 'connection_failed')
  assert.match(unknown.message, /no-such-host\.invalid:5432\/x \(unknown host name\)/)
  assert.equal((await failure({ host: tmpdir(), database: 'x', port: 1 })).code, 'connection_failed')
  const database = await failure({ host: '127.0.0.1', port, user: 'postgres', database: 'no such' })
  assert.deepEqual([database.code, database.kind], ['database_not_found', 'configuration'])
  assert.match(database.message, /no database "no such"/)
})

test('gives up on a server that takes the connection and says nothing', async () => {
  const mute = createServer(() => {}).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const { port } = mute.address() as { port: number }
  const error = await failure({ host: '127.0.0.1', port, database: 'x', connect_timeout: 0.1 })
  assert.equal(error.code, 'connection_failed')
  assert.match(error.message, /no answer in time/)
  mute.close()
})

test('says which user is refused: unknown, wrong password, no password, no privilege, no connection left', async () => {
  await admin.query(`
    create role careful login password 'right';
    create role full_up login connection limit 0;
    create role barred login`)
  await admin.query('create database closed')
  await admin.query('revoke connect on database closed from public')
  writeForServer('pg_hba.conf', 'host all careful 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n')
  await admin.query('select pg_reload_conf()')
  const place = { host: '127.0.0.1', port: server.port, database: 'postgres' }
  const client = await connect(postgresOptions.parse({ ...place, user: 'careful', password: 'right' }))
  await disconnect(client)
  for (const [options, code, message] of [
    [{ user: 'careful', password: 'wrong-secret' }, 'authentication_failed', /refused the password of user "careful"/],
    [{ user: 'careful', password: '' }, 'authentication_failed', /asks for a password and none is set/],
    [{ user: 'nobody-here' }, 'authentication_failed', /role "nobody-here" does not exist/],
    [{ user: 'full_up' }, 'too_many_connections', /no connection left/],
    [{ user: 'barred', database: 'closed' }, 'permission_denied', /GRANT CONNECT ON DATABASE/],
  ] as const) {
    const error = await failure({ ...place, ...options })
    assert.equal(error.code, code)
    assert.match(error.message, message)
    assert.doesNotMatch(error.message, /wrong-secret/)
  }
})

test('takes the password from the password file, and prints no warning of pg', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-pgpass-'))
  const warnings: string[] = []
  const onWarning = (warning: Error) => void warnings.push(warning.message)
  process.on('warning', onWarning)
  t.after(() => {
    process.removeListener('warning', onWarning)
    delete process.env['PGPASSFILE']
    rmSync(folder, { recursive: true, force: true })
  })
  const file = join(folder, 'pgpass')
  process.env['PGPASSFILE'] = file
  const options = postgresOptions.parse({ host: '127.0.0.1', port: server.port, database: 'postgres', user: 'careful' })
  await assert.rejects(connect(options), { code: 'authentication_failed' })
  writeFileSync(file, `127.0.0.1:${server.port}:*:somebody:wrong\n127.0.0.1:${server.port}:*:careful:right\n`, {
    mode: 0o600,
  })
  await disconnect(await connect(options))
  // Warnings are emitted on the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(warnings, [])
})

const noOpenssl = unlessHere('openssl', 'version')
test('encrypts, and verifies as much as sslmode says (needs openssl)', { skip: noOpenssl }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const key = join(folder, 'server.key')
  const sslrootcert = join(folder, 'server.crt')
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject]
  execFileSync('openssl', [...request, '-keyout', key, '-out', sslrootcert], { stdio: 'ignore' })
  const place = { host: 'localhost', port: server.port, database: 'postgres', user: 'postgres' }
  assert.equal((await failure({ ...place, sslmode: 'require' })).code, 'tls_failed')
  const encrypted = async (options: Record<string, unknown>) => {
    const client = await connect(postgresOptions.parse({ ...place, ...options }))
    const { rows } = await client.query('select ssl::text as ssl from pg_stat_ssl where pid = pg_backend_pid()')
    await disconnect(client)
    return rows[0]?.ssl
  }
  assert.equal(await encrypted({ sslmode: 'prefer' }), 'false')

  writeForServer('server.key', readFileSync(key, 'utf8'))
  writeForServer('server.crt', readFileSync(sslrootcert, 'utf8'))
  await admin.query('alter system set ssl = on')
  await admin.query('select pg_reload_conf()')
  for (const sslmode of ['prefer', 'require']) assert.equal(await encrypted({ sslmode }), 'true')
  for (const sslmode of ['verify-ca', 'verify-full']) assert.equal(await encrypted({ sslmode, sslrootcert }), 'true')
  for (const sslmode of ['disable', 'allow']) assert.equal(await encrypted({ sslmode }), 'false')

  const unknown = await failure({ ...place, sslmode: 'verify-full' })
  assert.deepEqual([unknown.code, unknown.kind], ['tls_failed', 'configuration'])
  assert.match(unknown.message, /sslrootcert, or set sslmode=require/)
  const byAddress = { ...place, host: '127.0.0.1', sslrootcert }
  assert.equal((await failure({ ...byAddress, sslmode: 'verify-full' })).code, 'tls_failed')
  assert.equal(await encrypted({ ...byAddress, sslmode: 'verify-ca' }), 'true')
  const file = await failure({ ...place, sslmode: 'verify-full', sslrootcert: join(folder, 'nosuch.crt') })
  assert.equal(file.code, 'tls_file_unreadable')

  await admin.query("create role bound login password 'right'")
  const password = { ...place, user: 'bound', password: 'right', sslmode: 'verify-full', sslrootcert }
  for (const channel_binding of ['disable', 'prefer'])
    assert.equal(await encrypted({ ...password, channel_binding }), 'true')
  const required = { ...password, channel_binding: 'require' }
  for (const [way, message] of [
    ['trust', /lets the user in without a password/],
    ['password', /asks for a password that is not bound to TLS/],
  ] as const) {
    writeForServer('pg_hba.conf', `host all bound 127.0.0.1/32 ${way}\nhost all all 127.0.0.1/32 trust\n`)
    await admin.query('select pg_reload_conf()')
    const error = await failure(required)
    assert.deepEqual([error.code, error.kind], ['tls_failed', 'configuration'])
    assert.match(error.message, message)
  }
  writeForServer('pg_hba.conf', 'host all bound 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n')
  await admin.query('select pg_reload_conf()')
  assert.equal(await encrypted(required), 'true')
  assert.equal((await failure({ ...required, password: 'wrong' })).code, 'authentication_failed')
  for (const sslmode of ['allow', 'prefer']) assert.equal(await encrypted({ ...required, sslmode }), 'true')

  const sql = `select g as id, case when g = 30000 then pg_sleep(60)::text else repeat('x', 100) end as v
               from generate_series(1, 40000) as g order by g`
  for (const read of ['copy', 'cursor'] as const) {
    await using source = await openModel(`${server.url}?sslmode=require`, { read, sql, idleTimeoutMs: 300 })
    const { rows } = await startReading(source)
    await assert.rejects(rows.toArray(), { code: 'source_idle' })
    await backendsGone(admin)
  }
})
