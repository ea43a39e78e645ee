import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Report } from '../src/index.ts'
import { startPostgres, type TestPostgres } from '../src/testing/postgres.ts'

/** A Postgres with a table of `rows` contacts, and a folder with a sync of it. Gone when disposed. */
export interface Workbench extends AsyncDisposable {
  readonly rows: number
  readonly client: pg.Client
  readonly serverVersion: string
  /** Average bytes of a row as COPY text. */
  readonly rowBytes: number
  /** Times `psql -c "COPY (SELECT * … ORDER BY id) TO STDOUT"` into nothing; milliseconds. */
  copyOut(): Promise<number>
  /** Runs the built command line on the sync and measures the whole process. */
  run(): Promise<Measured>
}

export interface Measured {
  /** Wall time of the process, its start included; milliseconds. */
  readonly wallMs: number
  /** CPU of the process, user and system; milliseconds. */
  readonly cpuMs: number
  /** Peak resident set of the process; MiB. */
  readonly peakMiB: number
  readonly report: Report
}

const USAGE = new URL('./usage.mjs', import.meta.url).pathname
const CLI = new URL('../dist/cli/main.js', import.meta.url).pathname

// Ten columns and about 120 bytes a row: a bigint key, six texts, a numeric, an int, a boolean, a timestamp.
const CONTACTS = `
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
  FROM generate_series(1, $rows) AS i`

/** Starts a workbench. Needs `psql` on the path and a build in dist/. */
export async function workbench(rows: number): Promise<Workbench> {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-bench-'))
  const postgres = await startPostgres({ settings: ['shared_buffers=1GB', 'max_wal_size=4GB'] })
  const client = new pg.Client(postgres.url)
  await client.connect()
  await client.query(CONTACTS.replace('$rows', String(rows)))
  await client.query('ALTER TABLE contacts ADD PRIMARY KEY (id)')
  await client.query('VACUUM ANALYZE contacts')
  const size = await client.query<{ bytes: number }>(
    'SELECT avg(length(c::text) - 2)::float AS bytes FROM (SELECT * FROM contacts LIMIT 10000) AS c',
  )
  const version = await client.query<{ server_version: string }>('SHOW server_version')
  writeFileSync(
    join(folder, 'rowferry.yaml'),
    `version: 1
connections:
  warehouse: ${postgres.url}
  nowhere: 'blackhole:'
syncs:
  contacts:
    source: { connection: warehouse, sql: select * from contacts }
    key: id
    mode: mirror
    destination: { connection: nowhere, object: contacts }
`,
  )
  return {
    rows,
    client,
    serverVersion: version.rows[0]?.server_version ?? '',
    rowBytes: size.rows[0]?.bytes ?? 0,
    copyOut: () => copyOut(postgres),
    run: () => measured(folder, ['contacts']),
    async [Symbol.asyncDispose]() {
      await client.end()
      await postgres[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function copyOut(postgres: TestPostgres): Promise<number> {
  const began = performance.now()
  const copy = 'COPY (SELECT * FROM contacts ORDER BY id) TO STDOUT'
  await ended(spawn('psql', ['-X', '-q', '-d', postgres.url, '-c', copy], { stdio: ['ignore', 'ignore', 'inherit'] }))
  return performance.now() - began
}

/** Runs the built command line in `folder` with `--json` and measures the whole process; `input` is piped into it. */
export async function measured(folder: string, argv: readonly string[], input?: string): Promise<Measured> {
  const usage = join(folder, 'usage.json')
  const stdin = input === undefined ? 'ignore' : openSync(input, 'r')
  const began = performance.now()
  const child = spawn(process.execPath, ['--import', USAGE, CLI, 'run', ...argv, '--json', '--quiet'], {
    cwd: folder,
    env: { ...process.env, ROWFERRY_BENCH_USAGE: usage },
    stdio: [stdin, 'pipe', 'inherit'],
  })
  if (typeof stdin === 'number') closeSync(stdin)
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  await ended(child)
  const wallMs = performance.now() - began
  return { wallMs, ...JSON.parse(readFileSync(usage, 'utf8')), report: JSON.parse(output) as Report }
}

/** Throws unless the run counted exactly this: what does other work than it should is not measured. */
export function expectCounts(run: Measured, counts: Partial<Measured['report']['counts']>): void {
  for (const [name, count] of Object.entries(counts)) {
    const found = run.report.counts[name as keyof typeof counts]
    if (found !== count) throw new Error(`expected ${count} ${name}, got ${found}: the measurement means nothing`)
  }
}

/** Rows a second, for a table. */
export function rate(rows: number, ms: number): string {
  return Math.round((rows / ms) * 1000).toLocaleString('en')
}

function ended(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`)),
    )
  })
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** One line about what was measured on. */
export function machine(): string {
  const processors = cpus()
  return `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}`
}
