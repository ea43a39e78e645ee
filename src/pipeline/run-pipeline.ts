import { setMaxListeners } from 'node:events'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../core/clock.ts'
import type { Destination, Limits } from '../core/destination.ts'
import { FatalError } from '../core/errors.ts'
import type { DeletesAs } from '../core/field-mapping.ts'
import type { KeyIndex } from '../core/key-index.ts'
import type { KeySpool } from '../core/key-spool.ts'
import type { RequestGate } from '../core/request-gate.ts'
import type { ScratchFile } from '../core/scratch-file.ts'
import type { Reading } from '../core/source.ts'
import { type DeleteScope, SYNC_MODES, type SyncMode } from '../core/sync-mode.ts'
import type { Tally } from '../core/tally.ts'
import { BatchSender } from './batch-sender.ts'
import { BatchWriter } from './batch-writer.ts'
import type { LinkedRecords } from './claims.ts'
import { fetchWhole } from './fetch-whole.ts'
import { type Allowances, judgeDeletes, printThreshold, type Threshold, tooManyRejected } from './guards.ts'
import { refuseInsertsInDoubt } from './insert-in-doubt.ts'
import { keying } from './keying.ts'
import { mergeDiff } from './merge-diff.ts'
import { modeFilter } from './mode-filter.ts'
import { type Observe, unobserved } from './observe.ts'
import { DEFAULT_RETRY, type RetryPolicy } from './retry.ts'
import type { RowMapping } from './row-mapping.ts'

export interface PipelineOptions {
  readonly reading: Reading
  readonly destination: Destination
  readonly index: KeyIndex
  readonly mapping: RowMapping
  readonly mode: SyncMode
  readonly scope: DeleteScope
  readonly deletesAs: DeletesAs
  readonly limits: Limits
  /** Entered before each batch, and counts it; undefined where the destination enters one for each of its requests. */
  readonly gate?: RequestGate | undefined
  /** Where the destination makes two records of an insert that is sent twice: the sync, for what it says about those. */
  readonly insertsTwice?: { readonly sync: string } | undefined
  /** Where the destination knows records by ids of its own: `resendOverwritten` comes first. */
  readonly records?: LinkedRecords | undefined
  readonly retry?: RetryPolicy
  readonly maxDeletes: Threshold | undefined
  readonly maxRejected: Threshold | undefined
  readonly allow: Allowances
  /** Whether a list of the destination was ever merged into the index. Default: true. */
  readonly listed?: boolean
  /** Take every row for changed. */
  readonly resend: boolean
  /** What `reading` is, where it is only part of the model: `the first 10 rows`. Nothing is deleted then. */
  readonly partial?: string | undefined
  /** Say so where the end of the model is not proven, also when there is nothing to delete. */
  readonly expectsProof?: boolean
  /** The key columns, for messages. */
  readonly keyNames?: readonly string[] | undefined
  /** Seeds the fingerprints: the index's seed and the mapping. */
  readonly seed: { readonly high: number; readonly low: number }
  readonly spool: KeySpool
  /** Makes a file for the changes that a destination gathers; where there is none, they wait in memory. */
  readonly scratch?: (() => ScratchFile) | undefined
  readonly tally: Tally
  readonly clock: Clock
  /** Stops reading; batches in flight are finished and kept. */
  readonly signal: AbortSignal
  readonly observe?: Observe | undefined
}

/**
 * The composition is the picture of the product. It rejects with what stopped the run, and by then everything that
 * was acknowledged is in the index.
 */
export async function runPipeline(options: PipelineOptions): Promise<void> {
  const { reading, index, mode, scope, tally, signal, observe = unobserved } = options
  const { layout, rows, digest, whole } = reading
  const writer = openWriter(options)
  // Its time is time of the source, like that of anything that is nobody else's.
  const fetching = whole === undefined || digest === undefined ? [] : [fetchWhole(whole, digest)]
  const keepingBack = holdsInserts(options) ? [refuseInsertsInDoubt(options)] : []
  try {
    await pipeline(
      [
        rows,
        observe('keying', keying(layout, options.seed, tally, { digest, names: options.keyNames })),
        observe('diff', mergeDiff(index, tally, { resend: options.resend, partial: options.partial !== undefined })),
        observe(
          'filter',
          modeFilter(mode, scope, tally, { listed: options.listed ?? true, collects: options.records !== undefined }),
        ),
        ...fetching,
        ...keepingBack,
        observe('writer', writer),
      ],
      { signal },
    )
  } finally {
    if (!writer.closed) await new Promise((resolve) => writer.once('close', resolve))
  }
  tally.assertComplete()
  index.compact()
}

/** Whether inserts that are in doubt must not be sent. An upsert may be: it finds the record that an earlier one made. */
function holdsInserts({ insertsTwice, resend, mode }: PipelineOptions): boolean {
  return insertsTwice !== undefined && !resend && !SYNC_MODES[mode].update
}

function openWriter(options: PipelineOptions): BatchWriter {
  const {
    destination,
    clock,
    tally,
    signal,
    gate,
    insertsTwice,
    mode,
    scope,
    maxDeletes,
    allow,
    maxRejected,
    partial,
  } = options
  const abort = new AbortController().signal
  // Each batch in flight listens while it waits, and there may be a hundred.
  setMaxListeners(0, abort, signal)
  const policy = options.retry ?? DEFAULT_RETRY
  return new BatchWriter({
    sender: new BatchSender(destination, { policy, clock, tally, signal, abort, gate, insertsTwice }),
    index: options.index,
    mapping: options.mapping,
    encodings: options.reading.layout.key.map((part) => part.encoding),
    mode,
    scope,
    resend: options.resend,
    records: options.records,
    deletes: options.deletesAs.kind === 'delete' || options.deletesAs.kind === 'archive' ? 'remove' : 'retire',
    limits: options.limits,
    spool: options.spool,
    scratch: options.scratch,
    judge: (end, deletes) =>
      judgeDeletes({ end, deletes, mode, scope, maxDeletes, allow, partial, expectsProof: options.expectsProof }),
    watch: (answered) => {
      const rejected = tally.counts.rejected + tally.counts.delete_rejected
      if (!tooManyRejected(rejected, answered, maxRejected)) return
      const limit = printThreshold(maxRejected)
      const message = `${rejected} of ${answered} changes were rejected, more than guards.max_rejected (${limit}); see \`rowferry rejected\``
      tally.guards.push({ guard: 'max_rejected', held: 0, limit, message })
      throw new FatalError('max_rejected', message)
    },
    tally,
    signal,
  })
}
