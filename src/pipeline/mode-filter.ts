import { Transform, type TransformCallback } from 'node:stream'
import { CHANGE_INSERT, CHANGE_NOTE, CHANGE_UPDATE, type DiffBatch } from '../core/diff-batch.ts'
import {
  ADOPTED,
  type EntryState,
  GONE,
  type Segment,
  SegmentBuilder,
  SegmentReader,
  UNSURE_NEW,
} from '../core/key-entry.ts'
import { type DeleteScope, type ModeOperations, SYNC_MODES, type SyncMode } from '../core/sync-mode.ts'
import type { Tally } from '../core/tally.ts'

/**
 * Lets through what the mode sends: counts other changes as skipped, and missing keys it may not delete as kept.
 *
 * `listed: false` says that no list of the destination was ever merged into the index. A key that is not in it may then
 * be there all the same: a mode that only updates sends it as an update and goes by the answer, and one that only
 * deletes remembers it, to delete it when the model lacks it.
 *
 * `collects: true` hands on missing keys that may not be deleted, too, once they are counted.
 */
export function modeFilter(
  mode: SyncMode,
  scope: DeleteScope,
  tally: Tally,
  options: { listed?: boolean; collects?: boolean } = {},
): Transform {
  const sends: ModeOperations = SYNC_MODES[mode]
  const { listed = true, collects = false } = options
  const asks = sends.update && !sends.insert && !listed
  return new Transform({
    objectMode: true,
    highWaterMark: 1,
    transform(diff: DiffBatch, _encoding: BufferEncoding, callback: TransformCallback) {
      if (asks) askForUpdates(diff)
      filterRows(diff, sends, scope, listed, tally)
      if (diff.missing !== null) diff.missing = filterMissing(diff.missing, sends, scope, tally, collects)
      if (diff.count === 0 && diff.missing === null && diff.end === null) callback()
      else callback(null, diff)
    },
  })
}

function askForUpdates({ kinds, count }: DiffBatch): void {
  for (let index = 0; index < count; index++) if (kinds[index] === CHANGE_INSERT) kinds[index] = CHANGE_UPDATE
}

function filterRows(diff: DiffBatch, sends: ModeOperations, scope: DeleteScope, listed: boolean, tally: Tally): void {
  if (sends.insert && sends.update) return
  let kept = 0
  for (let index = 0; index < diff.count; index++) {
    const noted = diff.kinds[index] === CHANGE_NOTE
    const sent = !noted && (diff.kinds[index] === CHANGE_INSERT ? sends.insert : sends.update)
    if (!sent && !noted) tally.counts.skipped++
    // This record may be deleted later, now that the model held its key: the index has to learn it.
    const learned = scope === 'seen' && diff.previous[index] === ADOPTED
    const note = !sent && sends.delete && (learned || (!listed && diff.previous[index] === GONE))
    if (!sent && !note) continue
    diff.rows[kept] = diff.rows[index] as number
    diff.kinds[kept] = note ? CHANGE_NOTE : (diff.kinds[index] as number)
    diff.previous[kept] = diff.previous[index] as number
    diff.previousPrints[kept * 2] = diff.previousPrints[index * 2] as number
    diff.previousPrints[kept * 2 + 1] = diff.previousPrints[index * 2 + 1] as number
    kept++
  }
  diff.count = kept
}

/** Whether a missing key in this state may be deleted. An unanswered insert is deleted only by a mode that inserts. */
export function mayDelete(state: EntryState, sends: ModeOperations, scope: DeleteScope): boolean {
  if (!sends.delete) return false
  if (state === ADOPTED) return scope === 'all'
  if (state === UNSURE_NEW) return sends.insert
  return true
}

function filterMissing(
  missing: Segment,
  sends: ModeOperations,
  scope: DeleteScope,
  tally: Tally,
  collects: boolean,
): Segment | null {
  const reader = new SegmentReader(missing.bytes)
  const builder = new SegmentBuilder(missing.bytes.length)
  while (reader.next()) {
    const kept = !mayDelete(reader.state, sends, scope)
    if (kept) tally.counts.kept++
    if (kept && !collects) continue
    builder.push(reader.state, reader.bytes, reader.keyStart, reader.keyEnd, reader.printHigh, reader.printLow)
  }
  return builder.count === 0 ? null : builder.take()
}
