import { after } from 'node:test'
import { sqliteDestination } from '../../src/connectors/sqlite-destination.ts'
import type { ValueKind } from '../../src/core/column.ts'
import { type ContractRecord, testDestination } from '../../src/testing/index.ts'
import { sqliteFile, threaded } from '../support/sqlite-file.ts'

const file = sqliteFile()
after(() => file[Symbol.dispose]())

const KINDS = {
  name: 'text',
  size: 'integer',
  price: 'decimal',
  weight: 'float',
  active: 'boolean',
  digest: 'bytes',
  born: 'date',
  seen: 'timestamp',
  extra: 'json',
} satisfies Record<string, ValueKind>

const COLUMNS = `name TEXT CHECK (name <> 'refuse me'), size INTEGER, price TEXT, weight REAL, active INTEGER, digest BLOB,
  born TEXT, seen TEXT, extra TEXT`

/** A value as the canonical text that the connector was given. */
function canonical(name: string, value: unknown): string | null {
  if (value === null) return null
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`
  if (name === 'active') return value === 1n ? 't' : 'f'
  return String(value)
}

function records(table: string): ContractRecord[] {
  const rows = file.database.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[]
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, canonical(name, value)])),
  )
}

const contents = (n: number) => ({
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

for (const [how, newObject, destination] of [
  ['', 'created', sqliteDestination],
  [', in a thread of its own', 'created_by_thread', threaded],
] as const) {
  testDestination({
    name: `an SQLite table by an integer${how}`,
    destination,
    options: { path: file.path },
    object: 'users',
    fields: { id: 'integer', ...KINDS },
    row: (n) => ({ id: String(n), ...contents(n) }),
    refusedRow: (n) => ({ id: String(n), ...contents(n), name: 'refuse me' }),
    empty: async () => {
      file.database.exec(`DROP TABLE IF EXISTS users; CREATE TABLE users (id INTEGER PRIMARY KEY, ${COLUMNS})`)
    },
    records: async (table) => records(table),
    badOptions: { path: `${file.folder}/there/is/no/such/app.db` },
    unknownObject: 'nobody',
    newObject,
  })

  testDestination({
    name: `an SQLite table by two texts${how}`,
    destination,
    options: { url: `sqlite:${file.path}` },
    object: 'memberships',
    fields: { team: 'text', person: 'text', role: 'text' },
    match: ['team', 'person'],
    row: (n) => ({ team: `team ${n >> 2}`, person: `person ${n % 4}`, role: `role ${n}` }),
    empty: async () => {
      file.database.exec(
        'DROP TABLE IF EXISTS memberships; CREATE TABLE memberships (team TEXT, person TEXT, role TEXT, PRIMARY KEY (team, person))',
      )
    },
    records: async (table) => records(table),
  })
}
