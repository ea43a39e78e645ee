import { writeFileSync } from 'node:fs'
import { after } from 'node:test'
import { gzipSync } from 'node:zlib'
import { fileSource } from '../../src/connectors/file-source.ts'
import { type ContractRecord, testSource } from '../../src/testing/index.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
after(() => folder[Symbol.dispose]())

const COLUMNS = {
  id: 'integer',
  name: 'text',
  note: 'text',
  size: 'integer',
  price: 'decimal',
  active: 'boolean',
  born: 'date',
  seen: 'timestamp',
} as const
const TYPES = { id: 'integer', size: 'integer', price: 'number', active: 'boolean', born: 'date', seen: 'timestamp' }

const row = (n: number): ContractRecord => ({
  id: String(n),
  name: `name ${n}`,
  note: `note ${n}`,
  size: String(n),
  price: `${n}.50`,
  active: n % 2 === 0 ? 't' : 'f',
  born: '2024-02-29',
  seen: '2024-02-29 12:00:00+00',
})

const cell = (text: string | null | undefined) => (text == null ? '' : `"${text.replaceAll('"', '""')}"`)

function csv(rows: readonly ContractRecord[]): string {
  const names = Object.keys(COLUMNS)
  return [names, ...rows.map((values) => names.map((name) => cell(values[name])))]
    .map((line) => `${line.join()}\n`)
    .join('')
}

function ndjson(rows: readonly ContractRecord[]): string {
  return rows.map((values) => `${JSON.stringify({ ...values, active: values['active'] === 't' })}\n`).join('')
}

for (const [name, format, print] of [
  ['a CSV file', 'csv', csv],
  ['a CSV file in gzip', 'csv', (rows: readonly ContractRecord[]) => gzipSync(csv(rows))],
  ['an NDJSON file', 'ndjson', ndjson],
] as const) {
  const path = folder.file(`${name.replaceAll(' ', '-')}`)
  testSource({
    name,
    source: fileSource,
    options: {
      path,
      format,
      quote: '"',
      types: TYPES,
      columns: format === 'ndjson' ? Object.keys(COLUMNS) : undefined,
      trustEof: true,
    },
    model: {},
    columns: COLUMNS,
    row,
    fill: async (rows) => writeFileSync(path, print(rows)),
    badOptions: { path: folder.file('nothing.csv'), format },
  })
}
