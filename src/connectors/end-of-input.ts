import type { EndOfModel } from '../core/row-batch.ts'
import type { RowOptions } from './row-options.ts'

/** What was seen of an input that came to its end. */
export interface InputSeen {
  /** Rows, unreadable ones included. */
  readonly rows: number
  /** What the trailer said; undefined where there was none. */
  readonly trailer: number | undefined
  /** Compressed input says itself whether it is whole. */
  readonly gzip: GzipEnd | undefined
}

/** `whole`: its checksum and its length are right. `parts`: it is made of several, each whole, of which one may be missing. */
export type GzipEnd = 'whole' | 'parts'

/**
 * Whether this was all. A pipe looks the same when its writer is done and when it has died, and a file may be half
 * written: so neither is a proof, unless something else is. Of several witnesses the one that disagrees is believed.
 */
export function judgeEnd(seen: InputSeen, options: RowOptions, name: string): EndOfModel {
  const { rows, trailer, gzip } = seen
  const end = (proven: boolean, evidence: string): EndOfModel => ({ rows, proven, evidence })
  const found = `${name} has ${rows} rows`
  if (options.rows !== undefined && options.rows !== rows) {
    return end(
      false,
      `${found}, not the ${options.rows} that \`rows\` (--rows) expects; correct it or look at what is missing`,
    )
  }
  if (options.trailer && trailer === undefined) {
    return end(false, `${found} and no trailer line at its end, so it was cut off; run again`)
  }
  if (trailer !== undefined && trailer !== rows) {
    return end(false, `${found}, and its trailer line says ${trailer}; look at what writes it, and run again`)
  }
  if (options.rows !== undefined) return end(true, `${found}, as \`rows\` expects`)
  if (trailer !== undefined) return end(true, `${found}, as its trailer line says`)
  if (options.trustEof) return end(true, `${found}, and \`trust_eof\` says that its end can be trusted`)
  if (gzip === 'whole') return end(true, `${found} and a gzip checksum that is right`)
  const why = gzip === 'parts' ? 'is gzip of several parts' : 'just ended'
  return end(
    false,
    `${name} ${why} after ${rows} rows, and nothing says that this was all; say how many there are (--rows N), ` +
      'end it with a trailer line (trailer: true), or trust its end (--trust-eof)',
  )
}
