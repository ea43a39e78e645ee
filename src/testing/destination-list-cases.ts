import assert from 'node:assert/strict'
import { decodeRow } from '../core/copy-text.ts'
import type { KeyList } from '../core/destination.ts'
import { KeyEncoder, keySpace } from '../core/key.ts'
import type { EndOfModel } from '../core/row-batch.ts'
import { type ContractCase, within } from './contract-case.ts'
import { encodingOf } from './contract-record.ts'
import { someOperation } from './destination-life-cases.ts'
import type { DestinationTrial } from './destination-trial.ts'

type Case = ContractCase<DestinationTrial>

const lists = ({ declaration }: DestinationTrial) =>
  declaration.lists === 'never' ? 'it declares that it does not list' : undefined

/** The keys that a destination says it holds: what it leaves out is made again, what it makes up is deleted. */
export const LIST_CASES = {
  'lists exactly the keys that were written, to a proven end': {
    exempt: lists,
    async run(trial) {
      const rows = trial.rows(0, 25)
      await trial.put(rows)
      const { keys, end } = await listed(trial)
      const written = rows.map((row) => trial.match.map((name) => row[name] ?? null))
      assert.deepEqual(keys.toSorted(byText), written.toSorted(byText))
      assert.equal(end.proven, true, `the end of the list is not proven: ${end.evidence}`)
      assert.equal(end.rows, rows.length)
    },
  },
  'lists in the byte order of the keys where it says so': {
    exempt: lists,
    async run(trial) {
      await trial.put(trial.rows(0, 25).reverse())
      const { encoded, sorted } = await listed(trial)
      if (!sorted) return
      for (const [index, key] of encoded.entries()) {
        const before = encoded[index - 1]
        assert.ok(before === undefined || Buffer.compare(before, key) < 0, `key ${index} is not behind the one before`)
      }
    },
  },
  'lists nothing, to a proven end, where nothing is': {
    exempt: lists,
    async run(trial) {
      const { keys, end } = await listed(trial)
      assert.deepEqual(keys, [])
      assert.equal(end.proven, true)
    },
  },
  'ends a list within a second when the signal aborts': {
    exempt: lists,
    async run(trial) {
      await trial.put(trial.rows(0, Math.min(1_000, trial.declaration.limits.rows)))
      await using destination = await trial.open(someOperation(trial))
      const controller = new AbortController()
      const walk = async () => {
        const list = destination.list?.(controller.signal)
        for await (const _ of list?.rows ?? []) controller.abort(new Error('the test is cancelled'))
      }
      // A list in one batch may be at its end by then.
      await within(
        1_000,
        'a list whose signal was aborted',
        walk().catch(() => {}),
      )
    },
  },
} satisfies Record<string, Case>

interface Listed {
  readonly keys: readonly (string | null)[][]
  readonly encoded: readonly Buffer[]
  readonly sorted: boolean
  readonly end: EndOfModel
}

async function listed(trial: DestinationTrial): Promise<Listed> {
  await using destination = await trial.open(someOperation(trial))
  const list = destination.list?.(new AbortController().signal) as KeyList
  const kinds = trial.fields.slice(0, trial.match.length).map(({ kind }) => kind)
  const encoder = new KeyEncoder(kinds.map((kind, field) => ({ field, encoding: encodingOf(kind) })))
  const keys: (string | null)[][] = []
  const encoded: Buffer[] = []
  let end: EndOfModel | undefined
  for await (const { bytes, offsets, count, end: last } of list.rows) {
    assert.equal(end, undefined, 'a batch came behind the one with the end')
    for (let row = 0; row < count; row++) {
      const [from, to] = [offsets[row] as number, offsets[row + 1] as number]
      const key = decodeRow(bytes, from, to)
      assert.equal(key.length, kinds.length, `a line of the list has ${key.length} fields and not the match alone`)
      keys.push(key)
      const out = Buffer.alloc(keySpace(to - from))
      const length = encoder.encode(bytes, from, to, out, 0)
      assert.ok(length >= 0, `${JSON.stringify(key)} is no key of the encodings that were asked for`)
      encoded.push(out.subarray(0, length))
    }
    end = last
  }
  assert.ok(end !== undefined, 'the list just stopped: its last batch has to carry an end')
  return { keys, encoded, sorted: list.sorted, end }
}

function byText(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}
