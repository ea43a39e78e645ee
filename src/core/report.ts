import type { Operation } from './change.ts'
import type { SyncMode } from './sync-mode.ts'

export type RunStatus = 'succeeded' | 'completed_with_errors' | 'deletes_held' | 'failed' | 'cancelled'

/** Every model row ends in exactly one of the first seven, every missing key in one of the last four. */
export interface Counts {
  read: number
  inserted: number
  updated: number
  unchanged: number
  skipped: number
  invalid: number
  rejected: number
  missing: number
  deleted: number
  kept: number
  held: number
  delete_rejected: number
}

export interface RequestCounts {
  sent: number
  retried: number
  throttled_ms: number
}

/** A guard that had something to say. `held` is the number of deletes it kept from being sent. */
export interface GuardVerdict {
  readonly guard:
    | 'unproven_end'
    | 'invalid_keys'
    | 'empty_model'
    | 'max_deletes'
    | 'min_rows'
    | 'max_rejected'
    | 'partial_run'
  readonly held: number
  readonly limit: string
  /** Why, and what to type. */
  readonly message: string
}

/** The result of one run, and one line of `--json`. Field names are part of the contract. */
export interface Report {
  readonly format_version: '1'
  readonly run_id: string
  readonly sync: string
  readonly mode: SyncMode
  readonly status: RunStatus
  readonly dry_run: boolean
  /** ISO 8601, UTC. */
  readonly started_at: string
  readonly duration_ms: number
  readonly counts: Readonly<Counts>
  readonly requests: Readonly<RequestCounts>
  readonly guards: readonly GuardVerdict[]
  readonly error: ReportedError | null
}

export interface ReportedError {
  readonly code: string
  readonly message: string
  readonly kind: 'configuration' | 'locked' | 'failed' | 'bug'
}

/** A row or change that did not land, for the run history. */
export interface RowIssue {
  readonly kind: 'invalid' | 'rejected'
  readonly operation: Operation | null
  /** Readable form of the key; null where there is none. */
  readonly key: string | null
  readonly code: string
  readonly message: string
  /** What was to be written, or what was read, as JSON; capped where it is stored. */
  readonly payload: string | null
  readonly response: string | null
}
