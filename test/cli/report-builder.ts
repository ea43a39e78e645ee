import type { Counts, Report } from '../../src/core/report.ts'

/** A report with these differences from a run that found nothing. */
export function reportOf({
  counts,
  ...changes
}: Partial<Omit<Report, 'counts'>> & { counts?: Partial<Counts> }): Report {
  return {
    format_version: '1',
    run_id: 'r1',
    sync: 'contacts',
    mode: 'mirror',
    status: 'succeeded',
    dry_run: false,
    started_at: '2026-11-22T18:00:00.000Z',
    duration_ms: 512,
    counts: {
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
      ...counts,
    },
    requests: { sent: 0, retried: 0, throttled_ms: 0 },
    guards: [],
    error: null,
    ...changes,
  }
}
