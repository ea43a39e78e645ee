import type { Counts, GuardVerdict, RequestCounts, RowIssue } from './report.ts'

/**
 * What has happened in a run so far. Counts flow down and sideways into it, nothing flows back up. Every stage
 * adds to its own counters; only the report reads them all.
 */
export class Tally {
  readonly counts: Counts = {
    read: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    skipped: 0,
    invalid: 0,
    rejected: 0,
    missing: 0,
    deleted: 0,
    kept: 0,
    held: 0,
    delete_rejected: 0,
  }
  readonly requests: RequestCounts = { sent: 0, retried: 0, throttled_ms: 0 }
  readonly guards: GuardVerdict[] = []
  /** Batches sent and not yet answered. */
  inFlight = 0
  readonly #onIssue: (issue: RowIssue) => void

  /** `onIssue` gets every invalid row and rejected change, as it is found. */
  constructor(onIssue: (issue: RowIssue) => void = () => {}) {
    this.#onIssue = onIssue
  }

  /** A row that will not be sent. */
  invalid(issue: Omit<RowIssue, 'kind' | 'operation' | 'response'>): void {
    this.counts.invalid++
    this.#onIssue({ kind: 'invalid', operation: null, response: null, ...issue })
  }

  /** A change that the destination refused. */
  rejected(issue: Omit<RowIssue, 'kind'>): void {
    if (issue.operation === 'delete') this.counts.delete_rejected++
    else this.counts.rejected++
    this.#onIssue({ kind: 'rejected', ...issue })
  }

  /**
   * Both identities of a run that reached the end of its model. Throws a plain Error: a row that ended in no count,
   * or in two, is a bug of ours and nothing that the run says may be believed.
   */
  assertComplete(): void {
    const c = this.counts
    const rows = c.inserted + c.updated + c.unchanged + c.skipped + c.invalid + c.rejected
    const missing = c.deleted + c.kept + c.held + c.delete_rejected
    if (c.read === rows && c.missing === missing) return
    throw new Error(`the counts of this run do not add up, please report it: ${JSON.stringify(c)}`)
  }
}
