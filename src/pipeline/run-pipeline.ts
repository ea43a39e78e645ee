import { pipeline } from 'node:stream/promises'
import type { Clock } from '../core/clock.ts'
import type { Destination, Limits } from '../core/destination.ts'
import { FatalError } from '../core/errors.ts'
import type { DeletesAs } from '../core/field-mapping.ts'
import type { KeyIndex } from '../core/key-index.ts'
import type { KeySpool } from '../core/key-spool.ts'
import type { Reading } from '../core/source.ts'
import type { DeleteScope, SyncMode } from '../core/sync-mode.ts'
import type { Tally } from '../core/tally.ts'
import { BatchSender } from './batch-sender.ts'
import { BatchWriter } from './batch-writer.ts'
import { fetchWhole } from './fetch-whole.ts'
import { type Allowances, judgeDeletes, printThreshold, type Threshold, tooManyRejected } from './guards.ts'
import { keying } from './keying.ts'
import { mergeDiff } from './merge-diff.ts'
import { modeFilter } from './mode-filter.ts'
import { type Observe, unobserved } from './observe.ts'
import { Pacing, type Rate } from './pacing.ts'
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
  readonly rate: Rate | undefined
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
  /** Seeds the fingerprints: the index's seed and the mapping. */
  readonly seed: { readonly high: number; readonly low: number }
  readonly spool: KeySpool
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
  try {
    await pipeline(
      [
        rows,
        observe('keying', keying(layout, options.seed, tally, digest)),
        observe('diff', mergeDiff(index, tally, { resend: options.resend, partial: options.partial !== undefined })),
        observe('filter', modeFilter(mode, scope, tally, { listed: options.listed ?? true })),
        ...fetching,
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

function openWriter(options: PipelineOptions): BatchWriter {
  const { destination, clock, tally, signal, rate, mode, scope, maxDeletes, allow, maxRejected, partial } = options
  const abort = new AbortController().signal
  const policy = options.retry ?? DEFAULT_RETRY
  const pacing = rate === undefined ? undefined : new Pacing(rate, clock, tally)
  return new BatchWriter({
    sender: new BatchSender(destination, { policy, clock, tally, signal, abort }, pacing),
    index: options.index,
    mapping: options.mapping,
    encodings: options.reading.layout.key.map((part) => part.encoding),
    mode,
    deletes: options.deletesAs.kind === 'delete' || options.deletesAs.kind === 'archive' ? 'remove' : 'retire',
    limits: options.limits,
    spool: options.spool,
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
