import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres } from '../src/testing/postgres.ts'

/** A Postgres with a table `contacts`, for all questions of a bench. Gone when disposed. */
export interface Server extends AsyncDisposable {
  readonly rows: number
  readonly url: string
  readonly version: string
  /** Average bytes of a row as COPY text. */
  readonly rowBytes: number
  query(sql: string): Promise<pg.QueryResult>
  /** Makes `contacts` what it was at the start. */
  refill(): Promise<void>
  /** Times `psql -c "COPY (query) TO STDOUT" >/dev/null`. */
  copyOut(query: string): Promise<Timed>
  /** Times a line of bash, in which $URL is this server. */
  shell(line: string): Promise<Timed>
  /** Times one statement, sent from here. */
  statement(sql: string): Promise<Timed>
  /** CPU milliseconds of the connections that have ended so far; undefined where the system does not say. */
  cpuMs(): Promise<number | undefined>
}

export interface Timed {
  readonly ms: number
}

// Ten columns and about 105 bytes a row: a bigint key, five texts, a numeric, an int, a boolean, a timestamp.
const CONTACTS = (rows: number) => `
  CREATE TABLE contacts AS
  SELECT i::bigint AS id,
         'user' || i || '@example.com' AS email,
         'First' || i % 1000 AS first_name,
         'Last' || i % 777 AS last_name,
         'City' || i % 99 AS city,
         (ARRAY['free', 'pro', 'team', 'enterprise'])[1 + i % 4] AS plan,
         ((i::bigint * 7919) % 100000)::numeric / 100 AS lifetime_value,
         (i % 5)::int AS seats,
         i % 2 = 0 AS active,
         timestamptz '2024-01-01' + i * interval '1 second' AS updated_at
  FROM generate_series(1, ${rows}) AS i`

/** Starts the server and fills the table. Needs `psql` on the path. */
export async function startServer(rows: number): Promise<Server> {
  const settings = ['shared_buffers=2GB', 'max_wal_size=8GB', 'checkpoint_timeout=1h', 'autovacuum=off']
  const postgres = await startPostgres({ settings })
  const client = new pg.Client(postgres.url)
  await client.connect()
  const refill = async () => {
    await client.query('DROP TABLE IF EXISTS contacts')
    await client.query(CONTACTS(rows))
    await client.query('ALTER TABLE contacts ADD PRIMARY KEY (id)')
    await client.query('VACUUM ANALYZE contacts')
  }
  await refill()
  const size = await client.query<{ bytes: number }>(
    'SELECT avg(length(c::text) - 2)::float AS bytes FROM (SELECT * FROM contacts LIMIT 10000) AS c',
  )
  const version = await client.query<{ server_version: string }>('SHOW server_version')
  const env = { ...process.env, URL: postgres.url }
  return {
    rows,
    url: postgres.url,
    version: version.rows[0]?.server_version ?? '',
    rowBytes: size.rows[0]?.bytes ?? 0,
    query: (sql) => client.query(sql),
    refill,
    copyOut: (query) => timed('psql', ['-Xq', '-d', postgres.url, '-c', `COPY (${query}) TO STDOUT`], env),
    shell: (line) => timed('bash', ['-c', `set -eo pipefail; ${line}`], env),
    async statement(sql) {
      const began = performance.now()
      await client.query(sql)
      return { ms: performance.now() - began }
    },
    async cpuMs() {
      const others = `SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
      while ((await client.query(others)).rowCount !== 0) await delay(10)
      return endedCpuMs(postgres.pid)
    },
    async [Symbol.asyncDispose]() {
      await client.end()
      await postgres[Symbol.asyncDispose]()
    },
  }
}

async function timed(program: string, argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Timed> {
  const began = performance.now()
  const child = spawn(program, argv, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))))
  })
  return { ms: performance.now() - began }
}

/** What Linux has counted for the children of a process that have ended: 100 ticks a second. */
function endedCpuMs(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  // The name, in parentheses, may hold spaces; what follows it does not.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[13]) + Number(fields[14])) * 10
}
