import assert from 'node:assert/strict'
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import pg from 'pg'
import { connect, disconnect, postgresOptions } from '../../src/connectors/postgres-connection.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { type Authority, type Certificate, certificateAuthority, pemBody } from '../support/certificates.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts'
import { unlessHere } from '../support/unless-here.ts'

const skip = unlessHere('openssl', 'version')

let server: TestPostgres
let admin: pg.Client
let folder: TemporaryFolder
let authority: Authority

before(async () => {
  if (skip !== undefined) return
  folder = temporaryFolder()
  authority = certificateAuthority(folder.path)
  server = await startPostgres()
  admin = new pg.Client(server.url)
  await admin.connect()
})
after(async () => {
  await admin?.end()
  await server?.[Symbol.asyncDispose]()
  folder?.[Symbol.dispose]()
})

function writeForServer(name: string, text: string): void {
  const path = join(server.dataDirectory, name)
  writeFileSync(path, text)
  const { uid, gid } = statSync(server.dataDirectory)
  chownSync(path, uid, gid)
  chmodSync(path, 0o600)
}

/** What the server shows from now on; undefined is no TLS at all. Comes back when it does so. */
async function show(certificate: Certificate | undefined): Promise<void> {
  if (certificate !== undefined) {
    writeForServer('server.key', readFileSync(certificate.key, 'utf8'))
    writeForServer('server.crt', readFileSync(certificate.certificate, 'utf8'))
  }
  await admin.query(`ALTER SYSTEM SET ssl = ${certificate === undefined ? 'off' : 'on'}`)
  await admin.query('SELECT pg_reload_conf()')
  const wanted = certificate === undefined ? undefined : pemBody(certificate.certificate)
  while ((await shown()) !== wanted) await admin.query('SELECT pg_sleep(0.01)')
}

/** The certificate of the server, in base64. */
async function shown(): Promise<string | undefined> {
  const client = new pg.Client({ ...place(), ssl: { rejectUnauthorized: false } })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch {
    return undefined
  }
  const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection
  const { raw } = stream.getPeerCertificate()
  await client.end()
  return raw.toString('base64')
}

/** From here on nobody is let in without TLS. */
async function demandTls(): Promise<void> {
  writeForServer('pg_hba.conf', 'hostssl all all 127.0.0.1/32 trust\n')
  await admin.query('SELECT pg_reload_conf()')
  while ((await outcome({ sslmode: 'disable' })) === 'plain') await admin.query('SELECT pg_sleep(0.01)')
}

const place = () => ({ host: 'localhost', port: server.port, database: 'postgres', user: 'postgres' })

/** `plain`, `tls`, or the code and what the message says of the reason. */
async function outcome(options: Record<string, unknown>): Promise<string> {
  try {
    const client = await connect(postgresOptions.parse({ ...place(), ...options }))
    const { rows } = await client.query('SELECT ssl::text AS ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
    await disconnect(client)
    return rows[0]?.ssl === 'true' ? 'tls' : 'plain'
  } catch (error) {
    const { code, kind, message } = error as { code: string; kind: string; message: string }
    assert.equal(kind, 'configuration', message)
    assert.match(
      message,
      /: name the file of its authority as sslrootcert, or set|: set sslmode=disable|: correct the user/,
    )
    const reason = REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? message
    return `${code}: ${reason}`
  }
}

const REASONS = [
  [/self-signed certificate in certificate chain|unable to (verify|get)/, 'unknown authority'],
  [/self-signed certificate/, 'self-signed'],
  [/does not match/, 'wrong host'],
  [/has expired/, 'expired'],
  [/does not offer TLS/, 'no TLS'],
  [/no pg_hba.conf entry/, 'not let in'],
] as const

const SERVERS = ['none', 'self-signed', 'wrong host', 'expired', 'right', 'TLS alone'] as const

const CERTIFICATES: Readonly<Record<(typeof SERVERS)[number], () => Certificate | undefined>> = {
  none: () => undefined,
  'self-signed': () => authority.selfSigned('localhost'),
  'wrong host': () => authority.sign('elsewhere.example'),
  expired: () => authority.sign('localhost', { expired: true }),
  right: () => authority.sign('localhost'),
  'TLS alone': () => authority.sign('localhost'),
}

const tls = (reason: string) => `tls_failed: ${reason}`
const NOBODY = tls('unknown authority')

/**
 * What libpq documents (SSL Support: "Protection Provided in Different Modes"), by what the server shows. `root` is the authority as sslrootcert; without it
 * the authorities that Node knows count, in place of ~/.postgresql/root.crt.
 */
const TABLE: readonly (readonly [options: { sslmode?: string; root?: boolean }, ...outcomes: string[]])[] = [
  [{ sslmode: 'disable' }, 'plain', 'plain', 'plain', 'plain', 'plain', 'authentication_failed: not let in'],
  [{ sslmode: 'allow' }, 'plain', 'plain', 'plain', 'plain', 'plain', 'tls'],
  [{ sslmode: 'prefer' }, 'plain', 'tls', 'tls', 'tls', 'tls', 'tls'],
  [{ sslmode: 'require' }, tls('no TLS'), 'tls', 'tls', 'tls', 'tls', 'tls'],
  [{ sslmode: 'require', root: true }, tls('no TLS'), tls('self-signed'), 'tls', tls('expired'), 'tls', 'tls'],
  [{ sslmode: 'verify-ca', root: true }, tls('no TLS'), tls('self-signed'), 'tls', tls('expired'), 'tls', 'tls'],
  [
    { sslmode: 'verify-full', root: true },
    tls('no TLS'),
    tls('self-signed'),
    tls('wrong host'),
    tls('expired'),
    'tls',
    'tls',
  ],
  [{ sslmode: 'verify-ca' }, tls('no TLS'), tls('self-signed'), NOBODY, tls('expired'), NOBODY, NOBODY],
  [{ sslmode: 'verify-full' }, tls('no TLS'), tls('self-signed'), NOBODY, tls('expired'), NOBODY, NOBODY],
]

test('each sslmode does what libpq says of it, whatever the server shows (needs openssl)', { skip }, async (t) => {
  let tried = 0
  for (const [column, name] of SERVERS.entries()) {
    await show(CERTIFICATES[name]())
    if (name === 'TLS alone') await demandTls()
    for (const [{ sslmode, root }, ...outcomes] of TABLE) {
      const options = { sslmode, ...(root === true ? { sslrootcert: authority.certificate } : {}) }
      const what = `${JSON.stringify({ sslmode, root })} and a server with certificate ${name}`
      assert.equal(await outcome(options), outcomes[column], what)
      tried++
    }
  }
  t.diagnostic(`${tried} pairs of sslmode and server certificate`)
})
