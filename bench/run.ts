// npm run bench                       everything with 1,000,000 rows, into bench/RESULTS.md
// npm run bench -- --rows 5000000     the same with more
// npm run bench -- --rows 200000 --quick   every question once, printed only: that the bench works
// npm run bench -- --only sqlite      one question, printed only
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import Sqlite from 'better-sqlite3'
import { changed } from './changed.ts'
import { duckdb } from './duckdb.ts'
import { memory } from './memory.ts'
import { postgresToPostgres } from './postgres-to-postgres.ts'
import { type Server, startServer } from './server.ts'
import { sqlite } from './sqlite.ts'
import { start } from './start.ts'
import { unchanged } from './unchanged.ts'
import { unsorted } from './unsorted.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const rows = Math.ceil(Number(values.rows) / 1000) * 1000
const runs = values.quick ? 1 : Number(values.runs)

const QUESTIONS: Readonly<Record<string, (server: Server) => Promise<string>>> = {
  unchanged: (server) => unchanged(server, runs),
  changed: (server) => changed(server, runs),
  'postgres-to-postgres': (server) => postgresToPostgres(server, runs),
  duckdb: (server) => duckdb(server, runs),
  sqlite: (server) => sqlite(server, runs),
  unsorted: () => unsorted(rows, runs),
  start: (server) => start(server, runs),
  memory: () => memory(values.quick ? [rows] : [rows, rows * 5, rows * 10]),
}
const names = values.only === undefined ? Object.keys(QUESTIONS) : [values.only]
if (!(rows >= 1000) || !Number.isSafeInteger(runs) || runs < 1 || names.some((name) => QUESTIONS[name] === undefined)) {
  console.error(`usage: npm run bench -- [--rows N] [--runs N] [--quick] [--only ${Object.keys(QUESTIONS).join('|')}]`)
  process.exit(64)
}

execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
const sections: string[] = []
let heading = ''
{
  await using server = await startServer(rows)
  heading = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}, PostgreSQL ${server.version}, SQLite ${new Sqlite(':memory:').prepare('SELECT sqlite_version()').pluck().get()}; rows of 10 columns and ${Math.round(server.rowBytes)} bytes, everything cached, Postgres on the
same machine over TCP. ${runs} runs by turns after one that warms up; medians, and ratios within each turn.`
  for (const name of names) {
    const began = performance.now()
    const section = (await QUESTIONS[name]?.(server)) ?? ''
    sections.push(section)
    console.log(section)
    console.error(`${name}: ${Math.round((performance.now() - began) / 1000)} s`)
  }
}
const text = `# Results

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}. Ratios are taken within one run; absolute times are this machine's.
${heading}

${sections.join('\n')}`
if (names.length > 1 && !values.quick) writeFileSync('bench/RESULTS.md', text)
