import { createHash } from 'node:crypto'
import type { ConfigInput } from '../../src/index.ts'
import type { Random } from './seeded-random.ts'
import type { OracleField, OracleSync, Text, Values } from './sync-oracle.ts'
import type { PlaceColumns } from './sync-places.ts'

/** Random syncs and models: each choice both as a user writes it and as the oracle understands it. */

type SyncInput = ConfigInput['syncs'][string]
type FieldInputs = NonNullable<SyncInput['fields']>

/** One sync, written twice. */
export interface RandomSync {
  readonly input: Omit<SyncInput, 'source' | 'destination' | 'key'>
  readonly oracle: OracleSync
}

interface Mapping {
  readonly name: string
  readonly input: FieldInputs | undefined
  readonly fields: readonly OracleField[]
}

const TEXTS: readonly Text[] = ['', 'a', 'A', 'Zoë', null, 'tab\t\\N', '\u{1f600}', "o'clock"]
const NUMERALS: readonly Text[] = ['1', '-2', '007', '+3', 'x', '', null, '9223372036854775807']
const NUMBERS: readonly Text[] = ['0', '-1', '9223372036854775807', '-9223372036854775808', null]
const KEY_TEXTS = [
  '',
  'a',
  'b c',
  'Z',
  '\u00e9',
  '\uff21',
  '\ufffd',
  '\u{1f600}',
  'tab\t',
  'new\nline',
  '\\N',
  '%',
  'a/b',
]

/** The table refuses records whose f1 is this. */
const REFUSED = 'A'

export const BLANK: Values = { f1: null, f2: null, n: null, gone: null, note: 'kept' }

export function randomColumns(random: Random): PlaceColumns {
  const keys = random.pick([{ k: 'integer' }, { k: 'text' }, { k1: 'text', k2: 'integer' }] as const)
  return {
    key: Object.keys(keys),
    model: { ...keys, f1: 'text', f2: 'text', n: 'integer' },
    table: {
      f1: `text CHECK (f1 <> '${REFUSED}')`,
      f2: 'text',
      n: 'bigint',
      gone: 'text',
      note: "text DEFAULT 'kept'",
    },
  }
}

/** All keys that a history is about; few, so that they meet often. */
export function randomKeys(random: Random, { key, model }: PlaceColumns): Values[] {
  const keys = new Map<string, Values>()
  for (let count = 5 + random.below(40); count > 0; count--) {
    const texts = key.map((name) => {
      if (model[name] === 'text') return random.pick(KEY_TEXTS)
      return random.pick([String(random.below(30) - 10), '9007199254740993', '9007199254740992'])
    })
    keys.set(JSON.stringify(texts), Object.fromEntries(key.map((name, index) => [name, texts[index] as string])))
  }
  return [...keys.values()]
}

export function randomValues(random: Random): Values {
  return { f1: random.pick(TEXTS), f2: random.pick(NUMERALS), n: random.pick(NUMBERS) }
}

/** Some rows of `before`, some of them changed, and some others; sometimes with a key twice, or null. */
export function randomModel(random: Random, keys: readonly Values[], before: readonly Values[]): Values[] {
  const stays = random.pick([0, 0.6, 0.9, 0.9, 1, 1])
  const kept = random.some(before, stays).map((row) => (random.chance(0.2) ? { ...row, ...randomValues(random) } : row))
  const added = random.some(keys, random.pick([0, 0.1, 0.3, 0.8])).map((key) => ({ ...key, ...randomValues(random) }))
  const rows = [...kept, ...added]
  if (random.chance(0.6)) {
    const seen = new Set<string>()
    const names = Object.keys(keys[0] as Values)
    return rows.filter((row) => {
      const id = JSON.stringify(names.map((name) => row[name]))
      return seen.has(id) ? false : seen.add(id)
    })
  }
  if (rows.length > 0 && random.chance(0.3)) rows.push(random.pick(rows))
  if (random.chance(0.3)) {
    const name = random.pick(Object.keys(keys[0] as Values))
    rows.push({ ...random.pick(keys), ...randomValues(random), [name]: null })
  }
  return rows
}

function plain(name: string, from = name): OracleField {
  return { name, reads: [from], value: (row) => row[from] as Text, nulls: 'write', on: 'always' }
}

function integer(text: Text): Text | undefined {
  if (text === null) return null
  return /^\s*[+-]?\d+\s*$/.test(text) ? String(BigInt(text.trim().replace(/^\+/, ''))) : undefined
}

/** Mappings of every kind; the key columns are in all of them, under their own names. */
function mappings(key: readonly string[]): Mapping[] {
  const keys = key.map((name) => plain(name))
  const same = Object.fromEntries(key.map((name) => [name, name]))
  const mapping = (name: string, input: FieldInputs, fields: readonly OracleField[]): Mapping => ({
    name,
    input: { ...input, ...same },
    fields: [...keys, ...fields],
  })
  const hash = (text: Text) => (text === null ? null : createHash('sha256').update(text).digest('hex'))
  const constant = (name: string, value: string): OracleField => ({ ...plain(name), reads: [], value: () => value })
  return [
    { name: 'none', input: undefined, fields: [...keys, plain('f1'), plain('f2'), plain('n')] },
    mapping('crossed', { f2: 'f1', n: 'n' }, [plain('f2', 'f1'), plain('n')]),
    mapping('template', { f1: 'f1', f2: { template: '<{f2}> {n}' } }, [
      plain('f1'),
      { ...plain('f2'), reads: ['f2', 'n'], value: ({ f2, n }) => `<${f2 ?? ''}> ${n ?? ''}` },
    ]),
    mapping('typed', { n: { from: 'f2', type: 'integer' }, f1: { from: 'f1', hash: 'sha256' }, f2: { value: 'c' } }, [
      { ...plain('n', 'f2'), value: ({ f2 }) => integer(f2 as Text) },
      { ...plain('f1'), value: ({ f1 }) => hash(f1 as Text) },
      constant('f2', 'c'),
    ]),
    mapping('careful', { f1: { from: 'f1', nulls: 'skip' }, n: { from: 'n', on: 'insert' } }, [
      { ...plain('f1'), nulls: 'skip' },
      { ...plain('n'), on: 'insert' },
    ]),
    mapping('variables', { f2: { variable: 'sync.name' }, f1: { value: 'new', on: 'insert' }, n: 'n' }, [
      constant('f2', 'test'),
      { ...constant('f1', 'new'), on: 'insert' },
      plain('n'),
    ]),
  ]
}

export function randomSync(random: Random, { key }: PlaceColumns): RandomSync {
  const mode = random.pick([
    'mirror',
    'mirror',
    'mirror',
    'upsert',
    'update-only',
    'delete-only',
    'insert-only',
  ] as const)
  const scope = random.pick([undefined, 'all', 'seen', 'seen'] as const)
  const bootstrap = random.pick([undefined, 'list', 'empty'] as const)
  const refresh = random.pick([undefined, undefined, 'always', 'never'] as const)
  const as = random.pick(['delete', 'delete', 'clear', { gone: 'yes' }] as const)
  const limit = random.pick([undefined, { count: 3 }, { percent: 25 }, { percent: 100 }] as const)
  const mapping = random.pick(mappings(key))
  const known = { scope: scope ?? 'all', bootstrap: bootstrap ?? 'list' } as const
  const lists = mode === 'update-only' || mode === 'delete-only' || mode === 'insert-only'
  const always = lists || (mode === 'mirror' && known.scope === 'all')
  const written = limit === undefined ? undefined : 'count' in limit ? limit.count : `${limit.percent}%`
  return {
    input: {
      mode,
      deletes: { ...(scope === undefined ? {} : { scope }), as },
      index: { ...(bootstrap === undefined ? {} : { bootstrap }), ...(refresh === undefined ? {} : { refresh }) },
      guards: written === undefined ? {} : { max_deletes: written },
      ...(mapping.input === undefined ? {} : { fields: mapping.input }),
      batch: { size: 1 + random.below(random.pick([3, 50])), concurrency: 1 + random.below(2) },
    },
    oracle: {
      mode,
      ...known,
      refresh: refresh ?? (always ? 'always' : 'never'),
      deletesAs: as,
      key,
      mapping,
      maxDeletes: limit,
      accepts: ({ f1 }) => f1 !== REFUSED,
    },
  }
}
