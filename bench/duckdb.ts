import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { change } from './changed.ts'
import type { Server } from './server.ts'
import { byTurns, count, medianOf, ratio, table } from './statistics.ts'
import { syncOf } from './syncs.ts'

const run = promisify(execFile)
const PACKAGE = '@duckdb/node-api@1.5.6-r.1'
const DIFF = new URL('./duckdb.mjs', import.meta.url).pathname
const USAGE = new URL('./usage.mjs', import.meta.url).pathname

/**
 * Against what many would reach for: both tables into DuckDB, and a FULL JOIN there. Its Postgres extension is a download
 * of its own, so it gets what psql exports.
 */
export async function duckdb(server: Server, runs: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-duckdb-'))
  try {
    // Seventy megabytes that nothing else here needs: fetched when they are wanted.
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', folder, PACKAGE])
    return await compare(server, runs, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(server: Server, runs: number, folder: string): Promise<string> {
  await server.query('DROP TABLE IF EXISTS mirrored; CREATE TABLE mirrored (LIKE contacts, PRIMARY KEY (id))')
  using syncing = syncOf(server, { to: server.url, table: 'mirrored' })
  await syncing.run({ inserted: server.rows })
  const few = server.rows / 1000
  const usage = join(folder, 'usage.json')
  let peakMiB = 0
  const exported = (name: string) =>
    `psql -Xq "$URL" -c 'COPY ${name} TO STDOUT (FORMAT csv, HEADER)' > ${join(folder, `${name}.csv`)}`
  const results = await byTurns(runs, {
    duckdb: async (round) => {
      await change(server, round + 1)
      const began = performance.now()
      await server.shell(`${exported('contacts')} & ${exported('mirrored')}; wait $!`)
      const files = ['contacts', 'mirrored'].map((name) => join(folder, `${name}.csv`))
      const env = { ...process.env, ROWFERRY_BENCH_USAGE: usage }
      const { stdout } = await run(process.execPath, ['--import', USAGE, DIFF, folder, ...files], { env })
      const ms = performance.now() - began
      if (stdout.trim() !== JSON.stringify([few, few * 10, few])) throw new Error(`DuckDB found ${stdout}`)
      peakMiB = Math.max(peakMiB, JSON.parse(readFileSync(usage, 'utf8')).peakMiB)
      return { ms }
    },
    rowferry: () => syncing.run({ inserted: few, updated: few * 10, deleted: few }),
  })
  await server.query('DROP TABLE mirrored')
  await server.refill()
  const ours = Math.max(...results.rowferry.map((one) => one.peakMiB))
  const line = (what: string, of: readonly { readonly ms: number }[], peak: number) => [
    what,
    count(medianOf(of, ({ ms }) => ms)),
    ratio(results.rowferry, of),
    String(Math.round(peak)),
  ]
  return `## Against DuckDB

${count(server.rows)} rows, 1 % changed, 0.1 % deleted, 0.1 % new. DuckDB (${PACKAGE}) joins what psql exports of both tables as CSV, two
exports at a time, and counts the differences: it has both sides in its memory, and has written nothing yet. rowferry trusts its
index, and writes the changes into the table.

${table(['', 'ms', 'times rowferry', 'peak RSS MiB'], [line('rowferry', results.rowferry, ours), line('DuckDB', results.duckdb, peakMiB)])}
`
}
