import type { ContractRecord, SourceCase } from '../../src/testing/index.ts'

/** A source that changes values on the way, and the case that has to find it. */
interface ValueMutant {
  readonly caughtBy: SourceCase
  readonly rows: (rows: readonly ContractRecord[]) => readonly ContractRecord[]
}

const each = (change: (row: ContractRecord) => ContractRecord) => (rows: readonly ContractRecord[]) => rows.map(change)

export const VALUE_MUTANTS: Readonly<Record<string, ValueMutant>> = {
  'trims texts': {
    caughtBy: 'reads texts to the byte: empty, emoji, line ends, tabs, backslashes, 10 kB',
    rows: each((row) => ({ ...row, name: row['name']?.trim() ?? null })),
  },
  'takes integers for numbers of JavaScript': {
    caughtBy: 'reads 64-bit integers exactly',
    rows: each((row) => ({ ...row, size: row['size'] == null ? null : String(Number(row['size'])) })),
  },
  'cuts decimals': {
    caughtBy: 'reads every digit of a decimal',
    rows: each((row) => ({ ...row, price: row['price'] == null ? null : Number(row['price']).toFixed(2) })),
  },
  'rounds floats': {
    caughtBy: 'reads floating-point numbers',
    rows: each((row) => ({ ...row, weight: row['weight'] == null ? null : Number(row['weight']).toFixed(3) })),
  },
  'writes out booleans': {
    caughtBy: 'reads booleans as t and f',
    rows: each((row) => ({ ...row, active: row['active'] === 't' ? 'true' : 'false' })),
  },
  'takes bytes for base64': {
    caughtBy: 'reads bytes as \\x and hexadecimal digits',
    rows: each((row) => ({ ...row, digest: Buffer.from(row['digest'] ?? '').toString('base64') })),
  },
  'prints dates as people do': {
    caughtBy: 'reads dates',
    rows: each((row) => ({ ...row, born: row['born']?.split('-').reverse().join('.') ?? null })),
  },
  'cuts microseconds': {
    caughtBy: 'reads timestamps',
    rows: each((row) => ({ ...row, seen: row['seen']?.replace(/\.\d+/, '') ?? null })),
  },
  'makes null of JSON null': {
    caughtBy: 'reads JSON',
    rows: each((row) => ({ ...row, extra: row['extra'] === 'null' ? null : (row['extra'] ?? null) })),
  },
  'makes null of an empty text': {
    caughtBy: 'reads null apart from an empty text',
    rows: each((row) => ({ ...row, name: row['name'] === '' ? null : (row['name'] ?? null) })),
  },
}
