import { configurationError } from '../core/errors.ts'
import type { SyncConfig } from './resolved.ts'

/** What one run says about the end of its rows, in place of what the configuration says. */
export interface ProofOfEnd {
  /** How many rows there are. */
  readonly rows?: number | undefined
  readonly trustEof?: boolean | undefined
}

/** The sync with what this run knows of the end. Throws FatalError where it reads no rows from stdin or a file. */
export function withProof(sync: SyncConfig, { rows, trustEof }: ProofOfEnd): SyncConfig {
  if (rows === undefined && trustEof !== true) return sync
  const { source } = sync
  if (source.rows === undefined) {
    throw configurationError(
      'no_rows_to_prove',
      `${sync.name} reads a query, whose end needs no proof: leave --rows and --trust-eof to syncs from stdin or files`,
    )
  }
  const proof = { ...(rows === undefined ? {} : { rows }), ...(trustEof === true ? { trustEof } : {}) }
  return { ...sync, source: { ...source, rows: { ...source.rows, options: { ...source.rows.options, ...proof } } } }
}

/** Whether somebody said how the end is to be proven: one that is not is then worth a word even if nothing is deleted. */
export function expectsProof({ source }: SyncConfig): boolean {
  const { rows, trailer } = source.rows?.options ?? {}
  return rows !== undefined || trailer === true
}
