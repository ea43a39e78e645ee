import { Transform, type TransformCallback } from 'node:stream'
import type { Field } from '../core/change.ts'
import { decodeRow } from '../core/copy-text.ts'
import { CHANGE_INSERT, type DiffBatch } from '../core/diff-batch.ts'
import { UNSURE_NEW } from '../core/key-entry.ts'
import { printKey } from '../core/key-text.ts'
import type { SettledOutcome } from '../core/outcome.ts'
import type { Reading } from '../core/source.ts'
import type { Tally } from '../core/tally.ts'
import type { RowMapping } from './row-mapping.ts'

/** What is said of an insert that was sent, may have been applied, and must not be sent again. */
export function outcomeUnknown(why: string, sync: string, response?: string): SettledOutcome {
  const message = messageOf(why, sync, 'KEY')
  return { status: 'rejected', code: 'outcome_unknown', message, ...(response === undefined ? {} : { response }) }
}

function messageOf(why: string, sync: string, key: string): string {
  return (
    `nobody knows whether the destination has made this record (${why}); look there, and where it is missing, send it again: ` +
    `\`rowferry run ${sync} --full --keys ${key}\``
  )
}

/**
 * Keeps back inserts that an earlier run left without an answer, where the destination would make a second record of them:
 * they are reported, and stay in doubt until somebody says `--full`.
 */
export function refuseInsertsInDoubt({
  mapping,
  reading,
  tally,
  insertsTwice,
}: {
  readonly mapping: RowMapping
  readonly reading: Pick<Reading, 'layout'>
  readonly tally: Tally
  readonly insertsTwice?: { readonly sync: string } | undefined
}): Transform {
  const encodings = reading.layout.key.map((part) => part.encoding)
  return new Transform({
    objectMode: true,
    highWaterMark: 1,
    transform(diff: DiffBatch, _encoding: BufferEncoding, callback: TransformCallback) {
      try {
        keepBack(diff)
      } catch (error) {
        callback(error as Error)
        return
      }
      if (diff.count === 0 && diff.missing === null && diff.end === null) callback()
      else callback(null, diff)
    },
  })

  function keepBack(diff: DiffBatch): void {
    let kept = 0
    for (let index = 0; index < diff.count; index++) {
      if (diff.kinds[index] === CHANGE_INSERT && diff.previous[index] === UNSURE_NEW && report(diff, index)) continue
      diff.rows[kept] = diff.rows[index] as number
      diff.kinds[kept] = diff.kinds[index] as number
      diff.previous[kept] = diff.previous[index] as number
      diff.previousPrints[kept * 2] = diff.previousPrints[index * 2] as number
      diff.previousPrints[kept * 2 + 1] = diff.previousPrints[index * 2 + 1] as number
      kept++
    }
    diff.count = kept
  }

  /** False where the row cannot be sent anyway: the writer says why. */
  function report({ keyed, rows }: DiffBatch, index: number): boolean {
    const row = rows[index] as number
    const { bytes, offsets } = keyed.rows
    const start = offsets[row] as number
    const end = offsets[row + 1] as number
    const values = valuesOf(mapping, bytes, start, end)
    if (values === undefined) return false
    const from = row === 0 ? 0 : (keyed.keyEnds[row - 1] as number)
    const key = printKey(encodings, keyed.keys.subarray(from, keyed.keyEnds[row]))
    tally.rejected({
      operation: 'insert',
      key,
      code: 'outcome_unknown',
      message: messageOf('an earlier run sent it and got no answer', insertsTwice?.sync ?? 'SYNC', JSON.stringify(key)),
      payload: JSON.stringify(
        Object.fromEntries(values.map((value, at) => [(mapping.fields[at] as Field).name, value])),
      ),
      response: null,
    })
    return true
  }
}

function valuesOf(mapping: RowMapping, bytes: Buffer, start: number, end: number): (string | null)[] | undefined {
  if (mapping.passes >= 0) return decodeRow(bytes, mapping.passFrom(bytes, start), end)
  const mapped = mapping.map(bytes, start, end)
  if ('code' in mapped) return undefined
  const line = Buffer.from(mapped.line)
  return decodeRow(line, 0, line.length)
}
