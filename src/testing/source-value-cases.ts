import assert from 'node:assert/strict'
import type { ContractCase } from './contract-case.ts'
import type { ContractRecord } from './contract-record.ts'
import { shown } from './record-differences.ts'
import { SAMPLE_VALUES, sameValue } from './sample-values.ts'
import type { SourceTrial } from './source-trial.ts'

type Case = ContractCase<SourceTrial>
type SampledKind = keyof typeof SAMPLE_VALUES

/** What has to be read as it is stored, column by column. */
export const SOURCE_VALUE_CASES = {
  'reads texts to the byte: empty, emoji, line ends, tabs, backslashes, 10 kB': reads('text'),
  'reads 64-bit integers exactly': reads('integer'),
  'reads every digit of a decimal': reads('decimal'),
  'reads floating-point numbers': reads('float'),
  'reads booleans as t and f': reads('boolean'),
  'reads bytes as \\x and hexadecimal digits': reads('bytes'),
  'reads dates': reads('date'),
  'reads timestamps': reads('timestamp'),
  'reads JSON': reads('json'),
  'reads null apart from an empty text': {
    exempt: (trial) => lacksColumn(trial, 'text'),
    async run(trial) {
      const name = columnBesideKey(trial, 'text') as string
      const [first, second] = trial.rows(2) as [ContractRecord, ContractRecord]
      await trial.fill([
        { ...first, [name]: null },
        { ...second, [name]: '' },
      ])
      const { records } = await trial.read()
      assert.equal(find(records, first, trial)?.[name], null)
      assert.equal(find(records, second, trial)?.[name], '')
    },
  },
} satisfies Record<string, Case>

function reads(kind: SampledKind): Case {
  return {
    exempt: (trial) => lacksColumn(trial, kind),
    async run(trial) {
      const name = columnBesideKey(trial, kind) as string
      const values = trial.contract.values?.[kind] ?? SAMPLE_VALUES[kind]
      const rows = trial.rows(values.length).map((row, index) => ({ ...row, [name]: values[index] as string }))
      await trial.fill(rows)
      const { records } = await trial.read()
      assert.equal(records.length, rows.length)
      for (const row of rows) {
        const value = find(records, row, trial)?.[name]
        assert.ok(sameValue(kind, row[name] as string, value), `${shown(row[name])} was read as ${shown(value)}`)
      }
    },
  }
}

function columnBesideKey(trial: SourceTrial, kind: SampledKind): string | undefined {
  return trial.columns.find((name) => trial.contract.columns[name] === kind && !trial.key.includes(name))
}

function lacksColumn(trial: SourceTrial, kind: SampledKind): string | undefined {
  return columnBesideKey(trial, kind) === undefined ? `the contract has no ${kind} column beside the key` : undefined
}

function find(records: readonly ContractRecord[], row: ContractRecord, trial: SourceTrial): ContractRecord | undefined {
  return records.find((record) => trial.key.every((name) => record[name] === row[name]))
}
