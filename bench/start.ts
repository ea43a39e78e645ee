import { spawnSync } from 'node:child_process'
import type { Server } from './server.ts'
import { byTurns, median, medianOf, table } from './statistics.ts'
import { syncOf } from './syncs.ts'

const CLI = new URL('../dist/cli/main.js', import.meta.url).pathname

/** How long until it answers? */
export async function start(server: Server, runs: number): Promise<string> {
  using syncing = syncOf(server, { sql: 'select * from contacts where id = 1' })
  await syncing.run({ inserted: 1 })
  const timed = (...argv: string[]) => {
    const began = performance.now()
    const { status } = spawnSync(process.execPath, argv, { cwd: syncing.folder, stdio: 'ignore' })
    if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}`)
    return Promise.resolve({ ms: performance.now() - began })
  }
  const { bare, help, run } = await byTurns(Math.max(runs, 9), {
    bare: () => timed('--eval', '0'),
    help: () => timed(CLI, '--help'),
    run: () => timed(CLI, 'run', 's', '--quiet'),
  })
  const line = (what: string, of: typeof bare) => [
    what,
    Math.round(medianOf(of, ({ ms }) => ms)),
    Math.round(Math.min(...of.map(({ ms }) => ms))),
    // Within each round: what slows Node slows us as much.
    Math.round(median(of.map(({ ms }, round) => ms - (bare[round] as { ms: number }).ms))),
  ]
  return `## Start

${table(
  ['', 'ms', 'fastest', 'beyond Node itself'],
  [
    line('`node --eval 0`, for comparison', bare),
    line('`rowferry --help`', help),
    line('`rowferry run` of one unchanged row, the connection to Postgres included', run),
  ],
)}
`
}
