import assert from 'node:assert/strict'
import type { Field } from '../core/change.ts'
import type { ValueKind } from '../core/column.ts'
import type { ContractCase } from './contract-case.ts'
import type { ContractRecord } from './contract-record.ts'
import { assertDone, type DestinationTrial } from './destination-trial.ts'
import { shown } from './record-differences.ts'
import { SAMPLE_VALUES, sameValue } from './sample-values.ts'

type Case = ContractCase<DestinationTrial>
type SampledKind = keyof typeof SAMPLE_VALUES

/** What has to arrive as it was sent, field by field. */
export const VALUE_CASES = {
  'keeps texts to the byte: empty, emoji, line ends, tabs, backslashes, 10 kB': keeps('text'),
  'keeps 64-bit integers': keeps('integer'),
  'keeps every digit of a decimal': keeps('decimal'),
  'keeps floating-point numbers': keeps('float'),
  'keeps booleans': keeps('boolean'),
  'keeps bytes': keeps('bytes'),
  'keeps dates': keeps('date'),
  'keeps timestamps': keeps('timestamp'),
  'keeps JSON': keeps('json'),
  'keeps null apart from an empty text': {
    exempt: (trial) => cannotWrite(trial) ?? lacksKind(trial, 'text'),
    async run(trial) {
      const name = trial.fieldOf('text') as string
      const [nothing, empty] = trial.rows(0, 2) as [ContractRecord, ContractRecord]
      const rows = [
        { ...nothing, [name]: null },
        { ...empty, [name]: '' },
      ]
      await trial.put(rows)
      await trial.assertRecords(rows)
    },
  },
  'tells keys apart by their bytes': {
    exempt: (trial) => {
      const last = trial.fields[trial.match.length - 1]
      return cannotWrite(trial) ?? (last?.kind === 'text' ? undefined : 'no text finds a record')
    },
    async run(trial) {
      const name = trial.match.at(-1) as string
      const keys = ['abc', 'ABC', 'abc ', 'äbc', 'a\u0308bc', 'a/b', 'a%2Fb', '..', '\u{1F600}', '\uFFFD', "o'clock"]
      const row = trial.rows(0, 1)[0] as ContractRecord
      const rows = keys.map((key) => ({ ...row, [name]: key }))
      await trial.put(rows)
      await trial.assertRecords(rows)
    },
  },
  'leaves a field as it is where a null is to be skipped': {
    exempt: (trial) => trial.unseen ?? trial.lacks('update') ?? lacksContent(trial),
    async run(trial) {
      const name = contentOf(trial) as string
      const [first, second] = trial.rows(0, 2) as [ContractRecord, ContractRecord]
      await trial.put([first, second])
      const fields = withField(trial, name, { nulls: 'skip' })
      await using destination = await trial.open('update', { fields })
      assertDone(await trial.write(destination, 'update', [{ ...first, [name]: null }], { fields }))
      if (trial.lacks('upsert') === undefined) {
        assertDone(await trial.write(destination, 'upsert', [{ ...second, [name]: null }], { fields }))
      }
      await trial.assertRecords([first, second])
    },
  },
  'writes a field that is for inserts only when it makes the record, and then no more': {
    exempt: (trial) => trial.unseen ?? trial.lacks('upsert') ?? lacksContent(trial),
    async run(trial) {
      const name = contentOf(trial) as string
      const [first, second, other] = trial.rows(0, 3) as [ContractRecord, ContractRecord, ContractRecord]
      const fields = withField(trial, name, { on: 'insert' })
      await using destination = await trial.open('upsert', { fields })
      assertDone(await trial.write(destination, 'upsert', [first, second], { fields }))
      await trial.assertRecords([first, second])
      const later = { [name]: other[name] ?? null }
      assertDone(await trial.write(destination, 'update', [{ ...first, ...later }], { fields }))
      assertDone(await trial.write(destination, 'upsert', [{ ...second, ...later }], { fields }))
      await trial.assertRecords([first, second])
    },
  },
} satisfies Record<string, Case>

function keeps(kind: SampledKind): Case {
  return {
    exempt: (trial) => cannotWrite(trial) ?? lacksKind(trial, kind),
    async run(trial) {
      const name = trial.fieldOf(kind) as string
      const values = trial.contract.values?.[kind] ?? SAMPLE_VALUES[kind]
      const rows = trial.rows(0, values.length).map((row, index) => ({ ...row, [name]: values[index] as string }))
      await trial.put(rows)
      const found = await trial.records()
      assert.equal(found.length, rows.length)
      for (const row of rows) {
        const record = found.find((candidate) => trial.match.every((field) => candidate[field] === row[field]))
        const value = record?.[name]
        assert.ok(sameValue(kind, row[name] as string, value), `${shown(row[name])} has become ${shown(value)}`)
      }
    },
  }
}

function cannotWrite(trial: DestinationTrial): string | undefined {
  if (trial.unseen !== undefined || trial.contract.put !== undefined) return trial.unseen
  return trial.lacks('upsert') === undefined ? undefined : trial.lacks('insert')
}

function lacksKind(trial: DestinationTrial, kind: ValueKind): string | undefined {
  return trial.fieldOf(kind) === undefined ? `the contract has no field of kind ${kind} beside the match` : undefined
}

/** A field whose value differs from record to record. */
function contentOf(trial: DestinationTrial): string | undefined {
  const [first, second, third] = trial.rows(0, 3)
  return trial.fields
    .slice(trial.match.length)
    .find(({ name }) => first?.[name] !== null && second?.[name] !== third?.[name] && first?.[name] !== third?.[name])
    ?.name
}

function lacksContent(trial: DestinationTrial): string | undefined {
  return contentOf(trial) === undefined ? 'no field beside the match differs from row(0) to row(2)' : undefined
}

function withField(trial: DestinationTrial, name: string, rule: Partial<Field>): Field[] {
  return trial.fields.map((field) => (field.name === name ? { ...field, ...rule } : field))
}
