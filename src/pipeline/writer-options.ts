import type { KeyEncoding } from '../core/column.ts'
import type { Limits } from '../core/destination.ts'
import type { EndOfDiff } from '../core/diff-batch.ts'
import type { KeyIndex } from '../core/key-index.ts'
import type { KeySpool } from '../core/key-spool.ts'
import type { GuardVerdict } from '../core/report.ts'
import type { ScratchFile } from '../core/scratch-file.ts'
import type { DeleteScope, SyncMode } from '../core/sync-mode.ts'
import type { Tally } from '../core/tally.ts'
import type { BatchSender } from './batch-sender.ts'
import type { LinkedRecords } from './claims.ts'
import type { RowMapping } from './row-mapping.ts'

/** What a writer needs. */
export interface WriterOptions {
  readonly sender: BatchSender
  readonly index: KeyIndex
  readonly mapping: RowMapping
  readonly encodings: readonly KeyEncoding[]
  readonly mode: SyncMode
  /** Whether a delete removes the record or leaves it, cleared or marked. */
  readonly deletes: 'remove' | 'retire'
  readonly limits: Limits
  readonly spool: KeySpool
  /** Makes an empty file for what a destination gathers; where there is none, it waits in memory. */
  readonly scratch?: (() => ScratchFile) | undefined
  /** Where the destination knows records by ids of its own. The spool has all missing keys then, whatever the mode. */
  readonly records?: LinkedRecords | undefined
  readonly scope: DeleteScope
  /** Every row is taken for changed. */
  readonly resend: boolean
  /** Asked behind the last row whether so many of the spooled deletes may be sent. */
  readonly judge: (end: EndOfDiff, deletes: number) => readonly GuardVerdict[]
  /** Looks at the counts after each answer; throws FatalError to stop the run. */
  readonly watch: (answered: number) => void
  readonly tally: Tally
  /** Stops before the next batch; the ones in flight are finished. */
  readonly signal: AbortSignal
}
