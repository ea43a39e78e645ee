// npm run soak                     30 minutes of syncs in one process, while rows change and everything around them fails
// npm run soak -- --minutes 0.5    the same for half a minute; too short to say anything of the memory
// Ends with 1 where the destination is not the model in the end, a file or a connection stays open, or memory grows.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { type Report, sync } from '../src/index.ts'
import { startPostgres } from '../src/testing/postgres.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, seed: { type: 'string', default: '1' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error('usage: npm run soak -- [--minutes N] [--seed N]')

const ROWS = 5000
/** Growth that is allowed, in bytes of resident memory a minute: 1 MB in 10 minutes. */
const LARGEST_SLOPE = 100_000
/** Of the time, what may be spent on growing to the size of the work. */
const WARM_UP = 0.3
/** A run that is shorter says nothing of the memory. */
const FEWEST_MINUTES = 10

let state = Number(values.seed) >>> 0
/** At least 0, below 1; the seed repeats it. (Mulberry32.) */
function random(): number {
  state = (state + 0x6d2b79f5) >>> 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}
const below = (limit: number) => Math.floor(random() * limit)

await using postgres = await startPostgres()
const admin = new pg.Client({ connectionString: postgres.url })
await admin.connect()
await admin.query(`
  CREATE TABLE model (id bigint PRIMARY KEY, email text, seats int);
  CREATE TABLE users (id bigint PRIMARY KEY, email text, seats int CHECK (seats <> 13));
  INSERT INTO model SELECT g, 'user' || g || '@example.com', g % 13 FROM generate_series(1, ${ROWS}) g`)
const folder = mkdtempSync(join(tmpdir(), 'rowferry-soak-'))
const config = {
  version: 1,
  state: join(folder, 'state'),
  connections: { db: `${postgres.url}?application_name=soak`, app: `sqlite:${join(folder, 'app.db')}` },
  syncs: Object.fromEntries(
    [
      ['postgres', { connection: 'db', table: 'users' }],
      ['sqlite', { connection: 'app', table: 'users', create: true }],
    ].map(([name, destination]) => [
      name,
      {
        source: { connection: 'db', table: 'model' },
        key: 'id',
        mode: 'mirror',
        destination,
        guards: { max_deletes: '100%' },
        batch: { size: 200 },
      },
    ]),
  ),
} as Parameters<typeof sync>[0]
const SYNCS = ['postgres', 'sqlite'] as const

/** Rows that change, go, come and return to what they were; some of them are such that the destination rejects them. */
async function change(): Promise<void> {
  const some = () => `id % ${20 + below(80)} = ${below(20)}`
  await admin.query(`UPDATE model SET seats = (seats + ${1 + below(3)}) % 14 WHERE ${some()}`)
  await admin.query(`DELETE FROM model WHERE ${some()}`)
  await admin.query(`INSERT INTO model SELECT g, 'user' || g || '@example.com', 0 FROM generate_series(1, ${ROWS}) g
    WHERE g % ${20 + below(80)} = ${below(20)} ON CONFLICT DO NOTHING`)
}

const FAULTS = {
  none: async () => {},
  'backends killed': async () => {
    await delay(below(60))
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'soak'")
  },
  cancelled: async (stop: AbortController) => {
    await delay(below(60))
    stop.abort()
  },
  'table locked': async () => {
    await admin.query('BEGIN; LOCK TABLE users')
    await delay(below(60))
    await admin.query('COMMIT')
  },
} as const
type Fault = keyof typeof FAULTS

async function run(name: string, fault: Fault): Promise<Report> {
  const stop = new AbortController()
  const [report] = await Promise.all([sync(config, { sync: name, signal: stop.signal }), FAULTS[fault](stop)])
  if (report.error?.kind === 'bug') throw new Error(`a bug: ${report.error.message}`)
  return report
}

const openFiles = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0)

async function connections(): Promise<number> {
  // A backend needs a moment to notice that its client is gone.
  for (let tries = 0; ; tries++) {
    const { rows } = await admin.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'soak'")
    if (rows.length === 0 || tries === 100) return rows.length
    await delay(20)
  }
}

/** Slope of the line that fits best, in bytes a minute. */
function slope(samples: readonly { readonly at: number; readonly rss: number }[]): number {
  const mean = (of: (sample: (typeof samples)[number]) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length
  const [at, rss] = [mean((sample) => sample.at), mean((sample) => sample.rss)]
  const over = samples.reduce((sum, sample) => sum + (sample.at - at) ** 2, 0)
  return samples.reduce((sum, sample) => sum + (sample.at - at) * (sample.rss - rss), 0) / over
}

const problems: string[] = []
const outcomes = new Map<string, number>()
const samples: { at: number; rss: number }[] = []
const began = performance.now()
const elapsed = () => (performance.now() - began) / 60_000
let runs = 0
let files: number | undefined
while (elapsed() < minutes) {
  await change()
  const fault = random() < 0.5 ? 'none' : (Object.keys(FAULTS)[below(4)] as Fault)
  const report = await run(SYNCS[runs++ % 2] as string, fault)
  const outcome = `${fault}: ${report.status}`
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  if ((await connections()) > 0) problems.push(`run ${runs} left connections open (${outcome})`)
  if (runs === 20) files = openFiles()
  if (files !== undefined && openFiles() > files) problems.push(`run ${runs} left files open (${outcome})`)
  if (problems.length > 0) break
  if (runs % 10 !== 0) continue
  globalThis.gc?.()
  samples.push({ at: elapsed(), rss: process.memoryUsage.rss() })
}

// Rows that are rejected have to go before the destination can equal the model.
await admin.query('UPDATE model SET seats = 0 WHERE seats = 13')
for (const name of SYNCS) {
  const { status, error } = await run(name, 'none')
  if (status !== 'succeeded') problems.push(`the last run of ${name} ${status}: ${error?.message}`)
  const again = await run(name, 'none')
  if (again.requests.sent > 0) problems.push(`the run after the last of ${name} found something to send`)
}
const { rows: differing } = await admin.query(
  '(TABLE model EXCEPT TABLE users) UNION ALL (TABLE users EXCEPT TABLE model)',
)
if (differing.length > 0) problems.push(`${differing.length} rows of the Postgres table differ from the model`)
const { default: Sqlite } = await import('better-sqlite3')
const copy = new Sqlite(join(folder, 'app.db'), { readonly: true })
const { rows: model } = await admin.query('SELECT id::text, email, seats::text FROM model ORDER BY model.id')
const copied = copy.prepare(
  'SELECT CAST(id AS TEXT) AS id, email, CAST(seats AS TEXT) AS seats FROM users ORDER BY users.id',
)
if (JSON.stringify(copied.all()) !== JSON.stringify(model)) problems.push('the SQLite table differs from the model')
copy.close()
await admin.end()
rmSync(folder, { recursive: true, force: true })

const settled = samples.filter(({ at }) => at > minutes * WARM_UP)
const growth = settled.length < 2 ? 0 : slope(settled)
if (minutes >= FEWEST_MINUTES && growth > LARGEST_SLOPE)
  problems.push(`memory grows by ${Math.round(growth)} bytes a minute`)
for (const [outcome, times] of [...outcomes].sort()) console.log(`${String(times).padStart(6)}  ${outcome}`)
const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)
console.log(
  `${runs} runs in ${elapsed().toFixed(1)} minutes; files open: ${files} all the time; resident memory ` +
    `${mib(settled[0]?.rss ?? 0)} MiB, in the end ${mib(settled.at(-1)?.rss ?? 0)} MiB, ` +
    `${((growth * 10) / 1e6).toFixed(2)} MB in 10 minutes${minutes < FEWEST_MINUTES ? ' (too short to judge)' : ''}`,
)
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
