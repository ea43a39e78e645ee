import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { RowBatch } from '../core/row-batch.ts'
import { type ContractCase, within } from './contract-case.ts'
import type { ContractRecord } from './contract-record.ts'
import { assertNothingLeftOpen, openHandles } from './open-handles.ts'
import type { SourceTrial } from './source-trial.ts'

type Case = ContractCase<SourceTrial>

/** Milliseconds within which a read that is cancelled, or that nobody wants any more, has to end. */
const STOP_MS = 1_000
/** Bytes that may wait between the source and a stage that does not take them. */
const MOST_BYTES_AHEAD = 4 * 1024 * 1024
/** Milliseconds that a source is given to read ahead as far as it will. */
const TIME_TO_READ_AHEAD_MS = 300

/** How a model flows: in bounded memory, until it is stopped, cut off or at its end. */
export const STREAM_CASES = {
  'reads no further ahead than a few batches': {
    exempt: lacksText,
    async run(trial) {
      await trial.fill(largeModel(trial))
      await using source = await trial.open()
      const { rows } = await trial.begin(source)
      const first = await firstBatch(rows)
      await delay(TIME_TO_READ_AHEAD_MS)
      let ahead = first.bytes.length
      for (let batch = rows.read(); batch !== null; batch = rows.read()) ahead += (batch as RowBatch).bytes.length
      rows.destroy()
      assert.ok(ahead <= MOST_BYTES_AHEAD, `${ahead} bytes were read although nobody took them`)
    },
  },
  'ends with the reason of the signal when that aborts': {
    exempt: lacksText,
    async run(trial) {
      await trial.fill(largeModel(trial))
      await using source = await trial.open()
      const controller = new AbortController()
      const { rows } = await trial.begin(source, { signal: controller.signal })
      await firstBatch(rows)
      const reason = new Error('the test is cancelled')
      const ended = endOf(rows)
      controller.abort(reason)
      const { error, end } = await within(STOP_MS, 'a read whose signal was aborted', ended)
      assert.equal(end, undefined, 'a read that was cancelled looks like one that came to its end')
      assert.ok(error !== undefined, 'a read that was cancelled ended without an error')
      assert.equal(error, reason, 'the error is the reason of the signal')
    },
  },
  'does not read when the signal is aborted already': {
    async run(trial) {
      await trial.fill(trial.rows(3))
      await using source = await trial.open()
      const read = async () => {
        const { rows } = await trial.begin(source, { signal: AbortSignal.abort(new Error('too late')) })
        for await (const _ of rows);
      }
      await assert.rejects(within(STOP_MS, 'a read whose signal was aborted', read()), /too late/)
    },
  },
  'leaves nothing open behind it': {
    async run(trial) {
      await trial.fill(trial.rows(50))
      // What is loaded and opened once for all is there after the first time.
      await trial.read()
      const before = openHandles()
      await trial.read()
      await assertNothingLeftOpen(before)
    },
  },
  'lets go when nobody wants more rows': {
    exempt: lacksText,
    async run(trial) {
      await trial.fill(largeModel(trial))
      await trial.read()
      const before = openHandles()
      const stop = async () => {
        await using source = await trial.open()
        const { rows } = await trial.begin(source)
        await firstBatch(rows)
        rows.destroy()
      }
      await within(STOP_MS * 3, 'a read that nobody wants any more', stop())
      await assertNothingLeftOpen(before)
    },
  },
  'closes without having been read': {
    async run(trial) {
      await trial.fill(trial.rows(3))
      const source = await trial.open()
      await source.describe()
      await within(STOP_MS, 'closing', Promise.resolve(source[Symbol.asyncDispose]()))
    },
  },
  'ends with an error, and not with an early end, when it is broken off': {
    exempt: (trial) => (trial.contract.breakOff === undefined ? 'the contract has no breakOff' : lacksText(trial)),
    async run(trial) {
      const model = largeModel(trial)
      await trial.fill(model)
      await using source = await trial.open()
      const { rows } = await trial.begin(source)
      const first = await firstBatch(rows)
      // It may fail before anybody reads on; `endOf` finds that error in the stream.
      rows.on('error', () => {})
      await trial.contract.breakOff?.()
      const { error, end, count } = await endOf(rows)
      assert.ok(
        first.count + count < model.length || end === undefined,
        'all rows had arrived by then: break it off earlier, or the case says nothing',
      )
      assert.equal(end, undefined, `it says that the model ends after ${first.count + count} of ${model.length} rows`)
      assert.ok(error !== undefined, 'it just stopped, which looks like an end')
    },
  },
} satisfies Record<string, Case>

/** Ten megabytes: more than is ever on its way between a source and the next stage. */
function largeModel(trial: SourceTrial): ContractRecord[] {
  const name = wideColumn(trial)
  return trial
    .rows(10_000)
    .map((row) => (name === undefined ? row : { ...row, [name]: `${row[name]} ${'x'.repeat(1_000)}` }))
}

/** A text column that is no key, so that it can hold anything. */
function wideColumn(trial: SourceTrial): string | undefined {
  return trial.columns.find((name) => trial.contract.columns[name] === 'text' && !trial.key.includes(name))
}

function lacksText(trial: SourceTrial): string | undefined {
  return wideColumn(trial) === undefined ? 'the contract has no text column beside the key' : undefined
}

async function firstBatch(rows: NodeJS.ReadableStream): Promise<RowBatch> {
  for (;;) {
    const batch = rows.read() as unknown as RowBatch | null
    if (batch !== null) return batch
    await new Promise<void>((resolve, reject) => {
      const done = (settle: () => void) => () => {
        rows.removeListener('readable', onReadable)
        rows.removeListener('error', onError)
        settle()
      }
      const onReadable = done(resolve)
      const onError = (error: Error) => done(() => reject(error))()
      rows.once('readable', onReadable)
      rows.once('error', onError)
    })
  }
}

/** How the rest of a stream ended, and how many rows still came. */
async function endOf(rows: AsyncIterable<unknown>) {
  let count = 0
  let end: RowBatch['end']
  try {
    for await (const batch of rows as AsyncIterable<RowBatch>) {
      count += batch.count
      end = batch.end
    }
    return { count, end, error: undefined }
  } catch (error) {
    return { count, end, error }
  }
}
