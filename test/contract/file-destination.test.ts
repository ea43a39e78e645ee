import { existsSync, readFileSync, rmSync } from 'node:fs'
import { after } from 'node:test'
import { fileDestination } from '../../src/connectors/file-destination.ts'
import type { ValueKind } from '../../src/core/column.ts'
import { type ContractRecord, testDestination } from '../../src/testing/index.ts'
import { parseCsv } from '../support/csv-text.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
after(() => folder[Symbol.dispose]())

const FIELDS = {
  id: 'integer',
  name: 'text',
  size: 'integer',
  price: 'decimal',
  weight: 'float',
  active: 'boolean',
  digest: 'bytes',
  born: 'date',
  seen: 'timestamp',
  extra: 'json',
} as const satisfies Record<string, ValueKind>

const row = (n: number): ContractRecord => ({
  id: String(n),
  name: `name ${n}`,
  size: String(n),
  price: `${n}.50`,
  weight: String(n / 4),
  active: n % 2 === 0 ? 't' : 'f',
  digest: '\\x0aff',
  born: '2024-02-29',
  seen: '2024-02-29 12:00:00+00',
  extra: '{"a": 1}',
})

function csvRecords(path: string): ContractRecord[] {
  const [header = [], ...rows] = existsSync(path) ? parseCsv(readFileSync(path, 'utf8')) : []
  return rows.map((values) => Object.fromEntries(header.map((name, at) => [String(name), values[at] ?? null])))
}

/** Members as texts. Numbers are read with their digits, which JSON.parse would round. */
function ndjsonRecords(path: string): ContractRecord[] {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
  return lines.map((line) => {
    const exact = line.replace(/"(price|size|id)":(-?[\d.]+)/g, '"$1":"$2"')
    const object = JSON.parse(exact) as Record<string, unknown>
    return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, canonical(name, value)]))
  })
}

function canonical(name: string, value: unknown): string | null {
  if (value === null) return null
  if (name === 'extra') return JSON.stringify(value)
  if (typeof value === 'boolean') return value ? 't' : 'f'
  return String(value)
}

for (const [format, records] of [
  ['csv', csvRecords],
  ['ndjson', ndjsonRecords],
] as const) {
  const path = folder.file(`records.${format}`)
  testDestination({
    name: `a ${format} file by an integer`,
    destination: fileDestination,
    options: { path },
    object: 'rows',
    fields: FIELDS,
    row,
    empty: async () => rmSync(path, { force: true }),
    records: async () => records(path),
    // A null of JSON and one of SQL look the same in a line.
    ...(format === 'csv' ? {} : { values: { json: ['{"a": [1, 2.5, null]}', '[]', '"text"', 'true'] } }),
    badOptions: { path: `${folder.path}/there/is/no/folder.csv` },
    newObject: 'rows',
  })

  const byName = folder.file(`by-name.${format}`)
  testDestination({
    name: `a ${format} file by two texts`,
    destination: fileDestination,
    options: { url: `file:${byName}` },
    object: 'rows',
    fields: { team: 'text', person: 'text', note: 'text' },
    match: ['team', 'person'],
    row: (n) => ({ team: `team ${n >> 2}`, person: `person ${n % 4}`, note: `note ${n}` }),
    empty: async () => rmSync(byName, { force: true }),
    records: async () => records(byName),
  })
}
