import assert from 'node:assert/strict'
import { FatalError, messageOf } from '../core/errors.ts'
import { KeyEncoder, keySpace } from '../core/key.ts'
import { KEY_MISSING } from '../core/key-parts.ts'
import { type ContractCase, given } from './contract-case.ts'
import type { ContractRecord } from './contract-record.ts'
import type { ReadModel, SourceTrial } from './source-trial.ts'

type Case = ContractCase<SourceTrial>

/** Texts that sort otherwise by the rules of a language, by UTF-16 unit or by length than they do by byte. */
const TEXT_KEYS = [
  'b',
  'a',
  'B',
  'A',
  'ä',
  'Z',
  'ab',
  'a b',
  'a-b',
  'a.b',
  '10',
  '9',
  '\u{1F600}',
  '\uFF61',
  'ı',
  'e\u0301',
  'é',
  '~',
  '_',
]
const INTEGER_KEYS = [
  '0',
  '-1',
  '10',
  '9',
  '-10',
  '9223372036854775807',
  '-9223372036854775808',
  '4294967296',
  '255',
  '256',
]

/** What a model is: its columns, its rows, their order, and the proof that there are no more. */
export const MODEL_CASES = {
  'describes its columns by name and kind': {
    async run(trial) {
      await trial.fill(trial.rows(3))
      await using source = await trial.open()
      const columns = await source.describe()
      const described = Object.fromEntries(columns.map(({ name, kind }) => [name, kind]))
      assert.deepEqual(described, trial.contract.columns)
      for (const { name, type, kind, keyEncoding } of columns) {
        assert.notEqual(type, '', `column ${name} has no type`)
        if (kind === 'integer') assert.equal(keyEncoding, 'integer', `integers are encoded as such: ${name}`)
      }
    },
  },
  'reads every row once, to a proven end that counts them': {
    async run(trial) {
      const rows = trial.rows(500)
      await trial.fill(rows)
      const { records, end } = await trial.read()
      assert.deepEqual(byKey(records, trial.key), byKey(rows, trial.key))
      assert.equal(end.proven, true, `the end is not proven: ${end.evidence}`)
      assert.equal(end.rows, rows.length)
      assert.notEqual(end.evidence, '', 'the end says what proves it')
    },
  },
  'reads a model without rows to a proven end': {
    async run(trial) {
      await trial.fill([])
      const { records, end } = await trial.read()
      assert.deepEqual(records, [])
      assert.equal(end.proven, true)
      assert.equal(end.rows, 0)
    },
  },
  'says nothing about the end before the last batch': {
    async run(trial) {
      await trial.fill(trial.rows(2_000))
      const { batches } = await trial.read()
      for (const batch of batches.slice(0, -1)) assert.equal(batch.end, undefined, 'an end in the middle')
    },
  },
  'reads the columns that were asked for, in that order': {
    async run(trial) {
      const rows = trial.rows(3)
      await trial.fill(rows)
      const rest = trial.columns.filter((name) => !trial.key.includes(name)).reverse()
      const columns = [...trial.key, ...rest.slice(0, 1)]
      const { layout, records } = await trial.read({ columns })
      assert.deepEqual(
        layout.columns.map(({ name }) => name),
        columns,
      )
      const asked = rows.map((row) => Object.fromEntries(columns.map((name) => [name, row[name] ?? null])))
      assert.deepEqual(byKey(records, trial.key), byKey(asked, trial.key))
    },
  },
  'reads in the byte order of its keys, or says that it does not': {
    async run(trial) {
      for (const key of trial.keys) {
        const rows = keyedRows(trial, key)
        await trial.fill(rows)
        const read = await trial.read({ key })
        assert.equal(read.records.length, rows.length)
        const keys = encodedKeys(read)
        assert.ok(!keys.includes(null), `a key of ${key.join(', ')} cannot be read`)
        if (!read.sorted) continue
        for (const [index, bytes] of keys.entries()) {
          const before = keys[index - 1]
          if (before == null) continue
          const values = JSON.stringify(
            [read.records[index - 1], read.records[index]].map((row) => key.map((name) => row?.[name])),
          )
          assert.ok(
            Buffer.compare(before, bytes as Buffer) < 0,
            `by ${key.join(', ')}, these are not in order: ${values}`,
          )
        }
      }
    },
  },
  'sends at least the rows that a part asks for': {
    async run(trial) {
      const rows = trial.rows(40)
      await trial.fill(rows)
      const { records, sorted } = await trial.read()
      const keyOf = (row: ContractRecord) => trial.key.map((name) => row[name] ?? '')
      // Of a source that does not sort, which rows are the first is known only when all of them are there.
      const first = sorted ? records.slice(0, 3) : records
      const wanted = [rows[7], rows[31]] as ContractRecord[]
      for (const [part, expected] of [
        [{ limit: 3 }, first],
        [{ keys: wanted.map(keyOf) }, wanted],
      ] as const) {
        const sent = (await trial.read({ part })).records.map((row) => JSON.stringify(keyOf(row)))
        for (const row of expected) {
          assert.ok(
            sent.includes(JSON.stringify(keyOf(row))),
            `${keyOf(row).join(' / ')} is missing from ${JSON.stringify(part)}`,
          )
        }
      }
    },
  },
  'hands on a row whose key is null': {
    async run(trial) {
      const key = trial.keys.find(
        (names) => names.length === 1 && trial.contract.columns[names[0] as string] === 'text',
      )
      if (key === undefined) return
      const [name] = key as readonly [string]
      const [first, second, third] = trial.rows(3) as [ContractRecord, ContractRecord, ContractRecord]
      await trial.fill([first, { ...second, [name]: null }, third])
      const read = await trial.read({ key })
      assert.equal(encodedKeys(read).filter((bytes) => bytes === null).length, 1)
      assert.equal(read.end.rows, 3)
    },
  },
  'says whether it has at least so many rows': {
    async run(trial) {
      await trial.fill(trial.rows(5))
      for (const [wanted, enough] of [
        [0, true],
        [5, true],
        [6, false],
      ] as const) {
        await using source = await trial.open()
        await source.describe()
        const answer = await source.hasAtLeast(wanted)
        assert.equal(answer.enough, enough, `at least ${wanted} of 5 rows`)
        if (!enough) assert.equal(answer.rows, 5, 'where there are not enough, it says how many there are')
      }
    },
  },
  'ends in a FatalError with a code when the credentials are bad': {
    exempt: ({ contract }) => (contract.badOptions === undefined ? 'the contract has no badOptions' : undefined),
    async run(trial) {
      const options = await given(trial.contract.badOptions)
      await assertFatal(async () => {
        await using source = await trial.open(options)
        await source.describe()
      })
    },
  },
  'ends in a FatalError with a code when there is no such model': {
    exempt: ({ contract }) => (contract.unknownModel === undefined ? 'the contract has no unknownModel' : undefined),
    async run(trial) {
      await assertFatal(async () => {
        await using source = await trial.open(undefined, trial.contract.unknownModel)
        await source.describe()
      })
    },
  },
} satisfies Record<string, Case>

/** Rows whose keys are hard to sort, in an order that is none. */
function keyedRows(trial: SourceTrial, key: readonly string[]): ContractRecord[] {
  const kinds = key.map((name) => trial.contract.columns[name])
  const samples = kinds.map((kind) => (kind === 'integer' ? INTEGER_KEYS : kind === 'text' ? TEXT_KEYS : undefined))
  const count = Math.max(...samples.map((values) => values?.length ?? 0), 10)
  const single = key.length === 1
  return trial.rows(single ? Math.min(count, samples[0]?.length ?? count) : count).map((row, n) => {
    const values = key.map((name, at) => {
      const sample = samples[at]
      if (sample === undefined) return [name, row[name] ?? null]
      // Parts of a composite key repeat: the whole of it does not.
      return [name, sample[single ? n : (at === 0 ? n >> 1 : n) % sample.length] ?? null]
    })
    return { ...row, ...Object.fromEntries(values) }
  })
}

/** The keys as the engine encodes them; null where a part is missing. */
function encodedKeys({ batches, layout }: ReadModel): (Buffer | null)[] {
  const encoder = new KeyEncoder(layout.key)
  return batches.flatMap(({ bytes, offsets, count }) =>
    Array.from({ length: count }, (_, row) => {
      const [from, to] = [offsets[row] as number, offsets[row + 1] as number]
      const out = Buffer.alloc(keySpace(to - from))
      const length = encoder.encode(bytes, from, to, out, 0)
      assert.ok(
        length >= 0 || length === KEY_MISSING,
        `a key is not what its encoding says: ${bytes.toString('utf8', from, to)}`,
      )
      return length === KEY_MISSING ? null : out.subarray(0, length)
    }),
  )
}

async function assertFatal(attempt: () => Promise<void>): Promise<void> {
  const error: unknown = await attempt().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error !== undefined, 'opening and describing found nothing wrong')
  assert.ok(error instanceof FatalError, `not a FatalError: ${messageOf(error)}`)
  assert.match(error.code, /^[a-z][a-z0-9_]*$/, 'codes are snake_case')
}

function byKey(records: readonly ContractRecord[], key: readonly string[]): ContractRecord[] {
  const text = (record: ContractRecord) => JSON.stringify(key.map((name) => record[name]))
  return [...records].sort((a, b) => (text(a) < text(b) ? -1 : 1))
}
