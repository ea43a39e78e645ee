import type { Client } from 'pg'
import type { Config, Counts, Report } from '../index.ts'
import { CliError } from './cli-error.ts'
import { CHANGES, CONTACTS, changeContacts, emptyContacts, restoreContacts } from './demo-contacts.ts'
import { digestOfPostgres, digestOfSqlite } from './demo-digest.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { PlanSample } from './plan-sample.ts'
import { formatPlan } from './plan-summary.ts'
import { formatCount, formatDuration } from './printable.ts'
import type { Style } from './style.ts'
import { formatReport } from './summary.ts'

/** What the demo plays with. */
export interface Stage {
  readonly client: Client
  readonly config: Config
  /** The SQLite file that the sync writes. */
  readonly mirror: string
  readonly style: Style
  readonly signal: AbortSignal
  readonly say: Say
}

/** Prints one or more lines behind a label. */
export type Say = (label: string, text: string) => void

/** How many changes the plan shows. */
const SAMPLE = 6

/** The rows that are left when all changes are made. */
const CHANGED = CONTACTS + CHANGES.inserted - CHANGES.deleted

/**
 * Tells the main job from a first run to a refused one, with the figures of this machine. Answers what did not come
 * out as it had to: nothing, where all is well. Throws CliError where a run failed altogether.
 */
export async function tellStory(stage: Stage): Promise<string[]> {
  const { client, say } = stage
  const missed: string[] = []
  const expect = (what: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) missed.push(`${what} should be ${expected} and is ${actual}`)
  }
  const expectCounts = (what: string, { counts }: Report, expected: Partial<Counts>) => {
    for (const name of Object.keys(counts) as (keyof Counts)[]) {
      expect(`${what}: ${name}`, counts[name], expected[name] ?? 0)
    }
  }

  const first = await run(stage, 'run 1', 'the first run, into a new SQLite file')
  expectCounts('run 1', first, { read: CONTACTS, inserted: CONTACTS })

  const second = await run(stage, 'run 2', 'the same rows again')
  say('', `${formatCount(second.requests.sent)} batches sent`)
  expectCounts('run 2', second, { read: CONTACTS, unchanged: CONTACTS })
  expect('run 2: batches sent', second.requests.sent, 0)

  const { updated, inserted, deleted } = await changeContacts(client)
  say('change', `in Postgres: ${inserted} rows added, ${updated} updated, ${deleted} removed`)
  const changes = {
    ...CHANGES,
    read: CHANGED,
    unchanged: CONTACTS - CHANGES.updated - CHANGES.deleted,
    missing: CHANGES.deleted,
  }
  expectCounts('plan', await plan(stage), changes)
  expectCounts('run 3', await run(stage, 'run 3', 'what the plan said'), changes)

  const before = await digestOfSqlite(stage.mirror)
  await emptyContacts(client)
  const refused = await run(stage, 'run 4', 'every row is gone from Postgres, as after a load that failed')
  const after = await digestOfSqlite(stage.mirror)
  say('', `exit code ${exitCodeOf(refused)}; the SQLite table still has ${formatCount(after.rows)} rows`)
  expectCounts('run 4', refused, { missing: CHANGED, held: CHANGED })
  expect('run 4: exit code', exitCodeOf(refused), EXIT.deletesHeld)
  expect('run 4: digest of the SQLite table', after.sha256, before.sha256)
  await restoreContacts(client)
  say('', 'the rows are back in Postgres')

  const began = performance.now()
  const [source, mirror] = [await digestOfPostgres(client), await digestOfSqlite(stage.mirror)]
  const time = formatDuration(performance.now() - began)
  say('check', `both tables read row by row, without rowferry's own code   ${time}`)
  say('', `Postgres  ${formatCount(source.rows)} rows  sha256 ${source.sha256}`)
  say('', `SQLite    ${formatCount(mirror.rows)} rows  sha256 ${mirror.sha256}`)
  expect('rows in Postgres', source.rows, CHANGED)
  expect('digest of the SQLite table', mirror.sha256, source.sha256)
  return missed
}

async function run({ config, style, signal, say }: Stage, label: string, caption: string): Promise<Report> {
  const { sync } = await import('../index.ts')
  say(label, caption)
  const report = await sync(config, { sync: 'contacts', signal })
  signal.throwIfAborted()
  say('', formatReport(report, { style }))
  return finished(report)
}

async function plan({ config, style, signal, say }: Stage): Promise<Report> {
  const { sync } = await import('../index.ts')
  const met = new PlanSample(SAMPLE)
  const report = await sync(config, { sync: 'contacts', signal, dryRun: true, onChange: (change) => met.add(change) })
  signal.throwIfAborted()
  const view = { report, sample: met.changes(), scope: undefined }
  say('plan', formatPlan(view, { style, width: 110, verbose: false }))
  return finished(report)
}

function finished(report: Report): Report {
  if (report.status !== 'failed') return report
  throw new CliError(EXIT.failed, 'the demo ends here, because of the error above: mend that and try again')
}
