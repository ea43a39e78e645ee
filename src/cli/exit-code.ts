import type { Report } from '../index.ts'

/** How the process ends. 64, 75 and 78 are those of sysexits.h; 130 and 143 are 128 + the signal's number. */
export const EXIT = {
  done: 0,
  /** A retry may help. */
  failed: 1,
  /** `plan --detailed-exitcode` only. */
  changes: 2,
  rowErrors: 3,
  deletesHeld: 4,
  usage: 64,
  locked: 75,
  configuration: 78,
  SIGINT: 130,
  SIGTERM: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What a failure means to whoever started the process, by the kind of its error. */
const BY_ERROR_KIND = {
  configuration: EXIT.configuration,
  locked: EXIT.locked,
  failed: EXIT.failed,
  bug: EXIT.failed,
} as const

export function exitCodeOfError(error: { readonly kind: keyof typeof BY_ERROR_KIND }): ExitCode {
  return BY_ERROR_KIND[error.kind]
}

export function exitCodeOf(report: Report, options: { readonly allowRejected?: boolean } = {}): ExitCode {
  switch (report.status) {
    case 'succeeded':
      return EXIT.done
    case 'completed_with_errors':
      return options.allowRejected === true ? EXIT.done : EXIT.rowErrors
    case 'deletes_held':
      return EXIT.deletesHeld
    case 'cancelled':
      return EXIT.SIGINT
    case 'failed':
      // A key is typed, and not configured.
      if (report.error?.code === 'unreadable_key') return EXIT.usage
      return report.error === null ? EXIT.failed : exitCodeOfError(report.error)
  }
}

/**
 * Several syncs, one exit code: a stop by the user before all, then what must not be retried before what may be, then
 * what was done but not entirely.
 */
const SERIOUSNESS: readonly ExitCode[] = [
  EXIT.SIGINT,
  EXIT.SIGTERM,
  EXIT.usage,
  EXIT.configuration,
  EXIT.failed,
  EXIT.locked,
  EXIT.deletesHeld,
  EXIT.rowErrors,
  EXIT.changes,
  EXIT.done,
]

export function mostSerious(codes: Iterable<ExitCode>): ExitCode {
  const found = new Set(codes)
  return SERIOUSNESS.find((code) => found.has(code)) ?? EXIT.done
}
