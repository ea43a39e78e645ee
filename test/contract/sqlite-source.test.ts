import { after } from 'node:test'
import { sqliteSource } from '../../src/connectors/sqlite-source.ts'
import { type ContractRecord, testSource } from '../../src/testing/index.ts'
import { sqliteFile } from '../support/sqlite-file.ts'

const file = sqliteFile()
after(() => file[Symbol.dispose]())

const COLUMNS = {
  id: 'integer',
  name: 'text',
  note: 'text',
  size: 'integer',
  price: 'decimal',
  weight: 'float',
  active: 'boolean',
  digest: 'bytes',
  extra: 'json',
} as const

const DECLARED = {
  id: 'INTEGER',
  name: 'TEXT',
  note: 'VARCHAR(20)',
  size: 'BIGINT',
  price: 'DECIMAL(10, 2)',
  weight: 'DOUBLE PRECISION',
  active: 'BOOLEAN',
  digest: 'BLOB',
  extra: 'JSON',
}

function stored(name: string, text: string | null): unknown {
  if (text === null) return null
  switch (COLUMNS[name as keyof typeof COLUMNS]) {
    case 'integer':
      return BigInt(text)
    case 'float':
      return Number(text)
    case 'boolean':
      return text === 't' ? 1n : 0n
    case 'bytes':
      return Buffer.from(text.slice(2), 'hex')
    default:
      return text
  }
}

async function fill(rows: readonly ContractRecord[]): Promise<void> {
  file.database.exec('DELETE FROM model')
  const names = Object.keys(COLUMNS)
  const insert = file.database.prepare(`INSERT INTO model VALUES (${names.map(() => '?').join()})`)
  file.database.transaction(() => {
    for (const row of rows) insert.run(...names.map((name) => stored(name, row[name] ?? null)))
  })()
}

const declared = Object.entries(DECLARED).map(([name, type]) => `${name} ${type}`)
file.database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE model (${declared.join()})`)

const row = (n: number) => ({
  id: String(n),
  name: `name ${n}`,
  note: `note ${n}`,
  size: String(n),
  price: `${n}.5`,
  weight: String(n / 4),
  active: n % 2 === 0 ? 't' : 'f',
  digest: '\\x0aff',
  extra: '{"a": 1}',
})

testSource({
  name: 'an SQLite table',
  source: sqliteSource,
  options: { path: file.path },
  model: { table: 'model' },
  columns: COLUMNS,
  row,
  fill,
  // SQLite keeps them as floating-point numbers.
  values: { decimal: ['0', '-0.5', '1.1', '79228162514.25', '42'] },
  badOptions: { path: `${file.folder}/nothing.db` },
  unknownModel: { table: 'nothing' },
})

testSource({
  name: 'an SQLite query',
  source: sqliteSource,
  options: { url: `sqlite:${file.path}` },
  model: {
    sql: 'SELECT id, name, note, size, active FROM model WHERE :all -- all of them',
    params: { all: true },
  },
  columns: { id: 'integer', name: 'text', note: 'text', size: 'integer', active: 'boolean' },
  row: (n) => {
    const { id, name, note, size, active } = row(n)
    return { id, name, note, size, active }
  },
  fill,
  unknownModel: { sql: 'SELECT * FROM nothing' },
})
