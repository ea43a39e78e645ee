import { existsSync } from 'node:fs'
import { asConfig } from '../config/pick-sync.ts'
import type { Config } from '../config/resolved.ts'
import type { ConfigInput } from '../config/schema.ts'
import type { SyncMode } from '../core/sync-mode.ts'
import { type IndexOverview, lookAtIndex } from '../state/index-overview.ts'
import { openRunHistory, type RunHistory, type RunRecord, type StoredIssue } from '../state/run-history.ts'
import { historyPath, indexPath } from '../state/state-folder.ts'

/** How far back a run is looked for. */
const RUNS_LOOKED_AT = 10_000

export interface RunFilter {
  readonly sync?: string | undefined
  /** Default: 20. */
  readonly limit?: number | undefined
}

/** The runs of a configuration's state folder, newest first. Nothing is made where there was no run yet. */
export async function runHistory(config: Config | ConfigInput, filter: RunFilter = {}): Promise<RunRecord[]> {
  const { sync, limit = 20 } = filter
  using history = await historyOf(config)
  return history?.list({ limit, ...(sync === undefined ? {} : { sync }) }) ?? []
}

/** The run of that id, or the only one whose id begins or ends like that; undefined where it is not clear. */
export async function findRun(config: Config | ConfigInput, id: string): Promise<RunRecord | undefined> {
  using history = await historyOf(config)
  const exact = history?.get(id)
  if (history === undefined || exact !== undefined || id === '') return exact
  const found = history
    .list({ limit: RUNS_LOOKED_AT })
    .filter(({ runId }) => runId.startsWith(id) || runId.endsWith(id))
  return found.length === 1 ? found[0] : undefined
}

/** The newest run that has rejected or invalid rows to show. */
export async function lastRunWithIssues(
  config: Config | ConfigInput,
  filter: { readonly sync?: string | undefined } = {},
): Promise<RunRecord | undefined> {
  using history = await historyOf(config)
  if (history === undefined) return undefined
  const { sync } = filter
  const runs = history.list({ limit: RUNS_LOOKED_AT, ...(sync === undefined ? {} : { sync }) })
  return runs.find((run) => mayHaveIssues(run) && history.issues(run.runId)[Symbol.iterator]().next().done === false)
}

/** A run that was killed has no counts to go by. */
function mayHaveIssues({ report }: RunRecord): boolean {
  return report === null || report.counts.invalid + report.counts.rejected + report.counts.delete_rejected > 0
}

/** The stored issues of a run, in the order they came, read page by page. */
export async function* runIssues(config: Config | ConfigInput, runId: string): AsyncGenerator<StoredIssue, void> {
  using history = await historyOf(config)
  if (history !== undefined) yield* history.issues(runId)
}

/** How a sync stands. */
export interface SyncStatus {
  readonly sync: string
  readonly mode: SyncMode
  readonly description: string | null
  /** Whether a run holds it at this moment. */
  readonly running: boolean
  /** The newest run that was not a dry run. */
  readonly last_run: RunRecord | null
  /** What can be told of its key index. */
  readonly index: IndexOverview
}

/** How syncs stand, all of them where none is named. A sync that is running is no error, nor is a damaged index. */
export async function syncStatus(
  input: Config | ConfigInput,
  options: { readonly syncs?: readonly string[] | undefined } = {},
): Promise<SyncStatus[]> {
  const config = asConfig(input)
  using history = await historyOf(config)
  const found: SyncStatus[] = []
  for (const { name, mode, description } of config.syncs.values()) {
    if (options.syncs !== undefined && !options.syncs.includes(name)) continue
    const index = await lookAtIndex(indexPath(config.state, name), name)
    found.push({
      sync: name,
      mode,
      description: description ?? null,
      running: index.state === 'in_use',
      last_run: history?.last(name) ?? null,
      index,
    })
  }
  return found
}

async function historyOf(input: Config | ConfigInput): Promise<RunHistory | undefined> {
  const { state } = asConfig(input)
  return existsSync(historyPath(state)) ? await openRunHistory(state) : undefined
}
