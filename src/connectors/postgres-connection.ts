import { resolve } from 'node:path'
import pg from 'pg'
import * as z from 'zod'
import { requireChannelBinding } from './postgres-channel-binding.ts'
import { connectError } from './postgres-connect-error.ts'
import { usePasswordFile } from './postgres-password-file.ts'
import { isAboutTls, tlsAttempts } from './postgres-tls.ts'
import { parsePostgresUrl } from './postgres-url.ts'

/** How much of TLS is demanded, as in libpq: `require` encrypts, `verify-full` also checks who answers. */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

const CHANNEL_BINDINGS = ['disable', 'prefer', 'require'] as const

const DEFAULT_PORT = 5432
const DEFAULT_CONNECT_TIMEOUT_S = 10
/** Silence after which TCP asks whether the other side is still there, in milliseconds. */
const KEEP_ALIVE_AFTER_MS = 30_000
/** Longest wait for the server to close its end, in milliseconds. */
const GOODBYE_TIMEOUT_MS = 2000

/** A Postgres connection, checked and complete. Made by {@link postgresOptions}. */
export interface PostgresOptions {
  /** Host name, address, or folder of a Unix socket (starts with `/`). */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string | undefined
  readonly password: string | undefined
  readonly sslmode: (typeof SSL_MODES)[number]
  /** Files in PEM form: certificates to trust, own certificate and its key. */
  readonly sslrootcert: string | undefined
  readonly sslcert: string | undefined
  readonly sslkey: string | undefined
  /** Whether the password exchange is bound to the TLS connection (SCRAM-SHA-256-PLUS): where the server offers it, or always. */
  readonly channelBinding: (typeof CHANNEL_BINDINGS)[number]
  /** Shown in pg_stat_activity in place of rowferry's own name. */
  readonly applicationName: string | undefined
  /** Command line options of the backend, such as `-c search_path=marts`. */
  readonly startupOptions: string | undefined
  /** Milliseconds; 0 waits as long as the system does. */
  readonly connectTimeoutMs: number
}

/** A number, or its digits: a URL holds nothing but text. */
function digits<Schema extends z.ZodType>(schema: Schema) {
  const isNumber = (value: unknown): value is string => typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)
  return z.preprocess((value) => (isNumber(value) ? Number(value) : value), schema)
}

const EXPECTED_PORT = 'expected a port from 1 to 65535'
const port = z.int({ error: EXPECTED_PORT }).min(1, { error: EXPECTED_PORT }).max(65535, { error: EXPECTED_PORT })

const EXPECTED_SECONDS = 'expected seconds, at most 2147483'
const seconds = z
  .number({ error: EXPECTED_SECONDS })
  .min(0, { error: EXPECTED_SECONDS })
  .max(2147483, { error: EXPECTED_SECONDS })

const fields = z.strictObject({
  type: z.enum(['postgres', 'postgresql']).optional(),
  url: z
    .string()
    .optional()
    .describe('postgres://user:password@host:port/database?sslmode=verify-full. Options beside it win. Default: none.'),
  host: z
    .string()
    .min(1)
    .optional()
    .describe('Host name, address, or folder of a Unix socket (begins with /). Default: `localhost`.'),
  port: digits(port).optional().describe('Port. Default: `5432`.'),
  database: z.string().min(1).optional().describe('Database. Default: what `user` says.'),
  user: z.string().min(1).optional().describe('User. Default: what PGUSER says, else USER.'),
  password: z
    .string()
    .optional()
    .describe('Password. Default: PGPASSWORD, else what the password file has (PGPASSFILE, ~/.pgpass).'),
  sslmode: z
    .enum(SSL_MODES)
    .optional()
    .describe('How much of TLS is demanded, as in libpq. Default: `verify-full`, on the same machine `disable`.'),
  sslrootcert: z.string().min(1).optional().describe('PEM file of certificates to trust. Default: those of Node.js.'),
  sslcert: z.string().min(1).optional().describe('PEM file of the own certificate. Default: none.'),
  sslkey: z.string().min(1).optional().describe("PEM file of the own certificate's key. Default: none."),
  channel_binding: z
    .enum(CHANNEL_BINDINGS)
    .optional()
    .describe(
      'Bind the password exchange to TLS: prefer does where the server offers it, require refuses any other. Default: `disable`.',
    ),
  application_name: z.string().min(1).optional().describe('Name in pg_stat_activity. Default: rowferry.'),
  options: z
    .string()
    .min(1)
    .optional()
    .describe('Command line options of the backend, such as "-c search_path=marts". Default: PGOPTIONS, if it is set.'),
  connect_timeout: digits(seconds).optional().describe('Seconds; 0 waits as long as the system does. Default: `10`.'),
})

/** The options of a Postgres connection: `{ url }`, or its parts; a part given beside `url` wins. */
export const postgresOptions = fields.transform((given, context): PostgresOptions => {
  let all = given
  if (given.url !== undefined) {
    const parsed = parsePostgresUrl(given.url)
    const checked = typeof parsed === 'string' ? undefined : fields.safeParse(parsed)
    if (typeof parsed === 'string' || checked?.success === false) {
      const message = typeof parsed === 'string' ? parsed : problems(checked?.error?.issues ?? [])
      context.addIssue({ code: 'custom', path: ['url'], message })
      return z.NEVER
    }
    all = { ...checked?.data, ...given }
  }
  const host = all.host ?? 'localhost'
  const database = all.database ?? all.user
  if (database === undefined) {
    const message = 'no database is named: add `database`, or put it behind the host of the URL'
    context.addIssue({ code: 'custom', path: [given.url === undefined ? 'database' : 'url'], message })
    return z.NEVER
  }
  const bySystem = all.sslrootcert === 'system'
  const sslmode = all.sslmode ?? (isLocal(host) && !bySystem ? 'disable' : 'verify-full')
  // As in libpq: an authority that signs for everybody says nothing without the name of the host.
  if (bySystem && sslmode !== 'verify-full') {
    const message = `sslrootcert: system means nothing with sslmode ${sslmode}: set sslmode to verify-full, or name the file of an authority`
    context.addIssue({ code: 'custom', path: [given.sslrootcert === undefined ? 'url' : 'sslrootcert'], message })
    return z.NEVER
  }
  if (all.channel_binding === 'require' && (sslmode === 'disable' || host.startsWith('/'))) {
    const message =
      'channel_binding: require needs TLS, which is not used here: set sslmode, or channel_binding: prefer'
    context.addIssue({
      code: 'custom',
      path: [given.channel_binding === undefined ? 'url' : 'channel_binding'],
      message,
    })
    return z.NEVER
  }
  return {
    host,
    port: all.port ?? DEFAULT_PORT,
    database,
    user: all.user,
    password: all.password,
    sslmode,
    sslrootcert: all.sslrootcert,
    sslcert: all.sslcert,
    sslkey: all.sslkey,
    channelBinding: all.channel_binding ?? 'disable',
    applicationName: all.application_name,
    startupOptions: all.options,
    connectTimeoutMs: (all.connect_timeout ?? DEFAULT_CONNECT_TIMEOUT_S) * 1000,
  }
})

/** The options with absolute paths of certificates; `system` is no path. */
export function located(options: PostgresOptions, baseDirectory: string): PostgresOptions {
  const { sslrootcert, sslcert, sslkey } = options
  const from = (path: string | undefined) => path && resolve(baseDirectory, path)
  const root = sslrootcert === 'system' ? sslrootcert : from(sslrootcert)
  return { ...options, sslrootcert: root, sslcert: from(sslcert), sslkey: from(sslkey) }
}

function problems(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  return issues.map((issue) => `${issue.path.join('.')} in the URL: ${issue.message}`).join('; ')
}

function isLocal(host: string): boolean {
  return /^(\/.*|(.*\.)?localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host)
}

/** What makes two connections the same place: server and database, without user or password. */
export function identity(options: PostgresOptions): string {
  const host = options.host.includes(':') ? `[${options.host}]` : encodeURIComponent(options.host.toLowerCase())
  return `postgres://${host}:${options.port}/${encodeURIComponent(options.database)}`
}

/**
 * What makes the text of a value the same whoever asks: the same value always prints the same bytes, and nothing is
 * rounded. The last settings keep a long, slow read alive and its plan suited to it.
 */
export const sessionSettings: Readonly<Record<string, string>> = {
  DateStyle: 'ISO',
  TimeZone: 'UTC',
  IntervalStyle: 'iso_8601',
  extra_float_digits: '1',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  jit: 'off',
  cursor_tuple_fraction: '1',
  idle_in_transaction_session_timeout: '0',
}

/**
 * The statement that applies {@link sessionSettings}: to the transaction that is open (which also holds behind a
 * transaction pooler), or to the session. A setting that this server does not have is left out.
 */
export function settingsStatement(scope: 'transaction' | 'session'): string {
  const rows = Object.entries(sessionSettings).map(([name, value]) => `('${name}', '${value}')`)
  const wanted = `(VALUES ${rows.join(', ')}) AS v (name, setting) JOIN pg_catalog.pg_settings AS s ON s.name = v.name`
  return `SELECT pg_catalog.set_config(s.name, v.setting, ${scope === 'transaction'}) FROM ${wanted}`
}

/** Runs {@link settingsStatement}. */
export async function applySessionSettings(client: pg.Client, scope: 'transaction' | 'session'): Promise<void> {
  await client.query(settingsStatement(scope))
}

/** Type parsers that leave every value as the text the server sent: no rounding, no dates, no surprises. */
export const rawTypes = { getTypeParser: () => (text: string | Buffer) => text } as unknown as pg.CustomTypesConfig

/**
 * Opens a connection whose queries answer raw text. A connection that drops while idle does not end the process; the
 * next query on it fails. Throws FatalError: `connection_failed`, `authentication_failed`, `database_not_found`,
 * `too_many_connections`, `permission_denied`, `tls_failed`, `tls_file_unreadable`.
 */
export async function connect(
  options: PostgresOptions,
  { applicationName = 'rowferry' }: { readonly applicationName?: string } = {},
): Promise<pg.Client> {
  const attempts = tlsAttempts(options)
  for (const [index, ssl] of attempts.entries()) {
    const client = new pg.Client({
      host: options.host,
      port: options.port,
      database: options.database,
      ...(options.user === undefined ? {} : { user: options.user }),
      ...(options.password === undefined ? {} : { password: options.password }),
      ...(options.startupOptions === undefined ? {} : { options: options.startupOptions }),
      application_name: options.applicationName ?? applicationName,
      ssl,
      enableChannelBinding: options.channelBinding !== 'disable',
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
      connectionTimeoutMillis: options.connectTimeoutMs,
      types: rawTypes,
    })
    usePasswordFile(client)
    // Whoever uses the connection learns of its end from the query that fails; without a listener Node would exit.
    client.on('error', () => {})
    const at = `${options.host}:${options.port}/${options.database}`
    const bound = options.channelBinding === 'require' ? requireChannelBinding(client, at) : undefined
    try {
      await client.connect()
      return client
    } catch (error) {
      client.connection.stream.destroy()
      const isLast = index === attempts.length - 1
      // Without TLS nothing can be bound to it; with it the server has said no.
      if (bound?.refusal !== undefined && (isLast || ssl !== false)) throw bound.refusal
      if (bound?.refusal !== undefined) continue
      if (isLast || !isAboutTls(error, ssl !== false)) throw connectError(error, options)
    }
  }
  throw new RangeError('no way to connect was tried')
}

/** Says goodbye and closes; what does not answer is cut off after a moment. Never rejects. */
export async function disconnect(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), GOODBYE_TIMEOUT_MS)
  await client.end()
  clearTimeout(timer)
}
