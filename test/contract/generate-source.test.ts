import { generateOptions } from '../../src/connectors/generate-options.ts'
import { generatedRows } from '../../src/connectors/generate-rows.ts'
import { generateSource } from '../../src/connectors/generate-source.ts'
import { decodeRow } from '../../src/core/copy-text.ts'
import { type ContractRecord, type SourceCase, testSource } from '../../src/testing/index.ts'

const COLUMNS = {
  email: 'text',
  first_name: 'text',
  last_name: 'text',
  city: 'text',
  plan: 'text',
  lifetime_value: 'decimal',
  seats: 'integer',
  active: 'boolean',
  updated_at: 'timestamp',
} as const

const FIXED = 'its rows are made by itself: no test can put a value into them'
const waive: Partial<Record<SourceCase, string>> = {
  'hands on a row whose key is null': FIXED,
  'reads texts to the byte: empty, emoji, line ends, tabs, backslashes, 10 kB': FIXED,
  'reads 64-bit integers exactly': FIXED,
  'reads every digit of a decimal': FIXED,
  'reads booleans as t and f': FIXED,
  'reads timestamps': FIXED,
  'reads null apart from an empty text': FIXED,
}

for (const key of ['integer', 'text', 'uuid'] as const) {
  const id = key === 'integer' ? 'integer' : key === 'text' ? 'text' : 'other'
  const columns = { id, ...COLUMNS } as const
  const names = Object.keys(columns)
  const made: ContractRecord[] = []
  const rows = generatedRows(
    generateOptions.parse({ key, rows: 10_000 }),
    names.map((_, field) => field),
  )
  for (let batch = rows.next(); batch.count > 0; batch = rows.next()) {
    for (let row = 0; row < batch.count; row++) {
      const values = decodeRow(batch.bytes, batch.offsets[row] as number, batch.offsets[row + 1] as number)
      made.push(Object.fromEntries(names.map((name, field) => [name, values[field] ?? null])))
    }
  }
  let count = 0
  testSource({
    name: `generated rows with keys of type ${key}`,
    source: generateSource,
    options: () => ({ key, rows: count }),
    model: { table: 'anything' },
    columns,
    row: (n) => made[n] as ContractRecord,
    async fill(model) {
      // A model that is to be larger than what a source may read ahead: values cannot grow, so there are more rows.
      count = model.length === 10_000 ? 100_000 : model.length
    },
    keys: [['id']],
    unknownModel: { sql: 'select 1 as id' },
    waive,
  })
}
