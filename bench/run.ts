// npm run bench                                 everything with 1,000,000 rows, into bench/RESULTS.md
// npm run bench -- --rows 5000000               the same with more
// npm run bench -- --rows 200000                a quick pass, every question once, printed only: that the bench works
// npm run bench -- --only sqlite,start          some questions, printed only
// npm run bench -- --only sqlite --save         one question, into its place in bench/RESULTS.md
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import Sqlite from 'better-sqlite3'
import { changed } from './changed.ts'
import { duckdb } from './duckdb.ts'
import { memory } from './memory.ts'
import { postgresToPostgres } from './postgres-to-postgres.ts'
import { saveResults } from './results-file.ts'
import { type Server, startServer } from './server.ts'
import { sqlite } from './sqlite.ts'
import { start } from './start.ts'
import { unchanged } from './unchanged.ts'
import { unsorted } from './unsorted.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string' },
    only: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
})
const rows = Math.ceil(Number(values.rows) / 1000) * 1000
// Fewer rows than this measure how processes start: good for seeing that everything works, and for no figure.
const quick = rows <= 200_000 && values.runs === undefined
const runs = quick ? 1 : Number(values.runs ?? 5)
/** Whether memory grows with the model is asked at these sizes, whatever the size of the rest. */
const MEMORY_ROWS = [1_000_000, 5_000_000, 10_000_000]

const QUESTIONS: Readonly<Record<string, (server: Server) => Promise<string>>> = {
  unchanged: (server) => unchanged(server, runs),
  changed: (server) => changed(server, runs),
  'postgres-to-postgres': (server) => postgresToPostgres(server, runs),
  duckdb: (server) => duckdb(server, runs),
  sqlite: (server) => sqlite(server, runs),
  unsorted: () => unsorted(rows, runs),
  start: (server) => start(server, runs),
  memory: () => memory(quick ? [rows] : MEMORY_ROWS),
}
const names = values.only?.split(',') ?? Object.keys(QUESTIONS)
if (!(rows >= 1000) || !Number.isSafeInteger(runs) || runs < 1 || names.some((name) => QUESTIONS[name] === undefined)) {
  console.error(`usage: npm run bench -- [--rows N] [--runs N] [--only QUESTION,… [--save]]`)
  console.error(`questions: ${Object.keys(QUESTIONS).join(', ')}`)
  process.exit(64)
}

execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
const sections: string[] = []
await using server = await startServer(rows)
const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}, PostgreSQL ${server.version}, SQLite ${new Sqlite(':memory:').prepare('SELECT sqlite_version()').pluck().get()}; rows of 10 columns and ${Math.round(server.rowBytes)} bytes, everything
cached, Postgres on the same machine over TCP. ${quick ? 'One run' : `${runs} runs by turns after one that warms up`}; medians, and ratios within each turn.`
for (const name of names) {
  const began = performance.now()
  const section = (await QUESTIONS[name]?.(server)) ?? ''
  sections.push(section)
  console.log(section)
  console.error(`${name}: ${Math.round((performance.now() - began) / 1000)} s`)
}
if (values.save || (values.only === undefined && !quick)) saveResults('bench/RESULTS.md', machine, sections)
