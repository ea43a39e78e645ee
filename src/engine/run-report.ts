import type { SyncConfig } from '../config/resolved.ts'
import type { Report, RunStatus } from '../core/report.ts'
import type { Tally } from '../core/tally.ts'
import type { RunVariables } from '../pipeline/field-value.ts'
import { reported } from './validate.ts'

/** What a run knows of itself at its end. */
export interface RunEnd {
  readonly variables: RunVariables
  /** Undefined where the run did not get as far as to know it. */
  readonly sync: SyncConfig | undefined
  readonly dryRun: boolean
  readonly durationMs: number
  readonly cancelled: boolean
  /** What stopped it; undefined where nothing did. */
  readonly error: unknown
}

/** The report of a run. What stopped it decides its status, before what it held back, before rows that did not land. */
export function reportOf({ counts, requests, guards }: Tally, end: RunEnd): Report {
  const { variables, sync, cancelled, error } = end
  const problem = error === undefined || cancelled ? null : reported(error)
  const bad = counts.invalid + counts.rejected + counts.delete_rejected > 0
  let status: RunStatus = 'succeeded'
  if (cancelled) status = 'cancelled'
  else if (problem !== null) status = 'failed'
  else if (counts.held > 0) status = 'deletes_held'
  else if (bad) status = 'completed_with_errors'
  return {
    format_version: '1',
    run_id: variables.runId,
    sync: sync?.name ?? variables.syncName,
    mode: sync?.mode ?? 'mirror',
    status,
    dry_run: end.dryRun,
    started_at: variables.startedAt,
    duration_ms: Math.round(end.durationMs),
    counts,
    requests,
    guards,
    error: problem,
  }
}
