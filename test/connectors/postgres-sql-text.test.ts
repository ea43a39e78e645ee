import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type pg from 'pg'
import { parseQualifiedName, quoteIdentifier, quoteLiteral } from '../../src/connectors/postgres-identifiers.ts'
import { bound, parseModel } from '../../src/connectors/postgres-model.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { administer, READERS, readModel } from '../support/postgres-reading.ts'

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Texts that a server can hold, rich in what quoting is about. */
const texts = fc.sample(
  fc.oneof(
    fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', ';', '-', ' ', 'a', 'E', '\n', '😀', '%', '{', ':') }),
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
  ),
  { numRuns: 1000, seed: 7 },
)

function parse(sql: string, params: Record<string, string | number | boolean | null> = {}) {
  return parseModel({ sql, params, read: 'auto', idleTimeoutMs: 0 })
}

test('quotes texts as quote_literal does, and they read back as they were', async () => {
  const { rows } = await admin.query<{ t: string; quoted: string }>(
    'select t, quote_literal(t) as quoted from unnest($1::text[]) with ordinality as u (t, n) order by n',
    [texts],
  )
  assert.deepEqual(
    texts.map(quoteLiteral),
    rows.map((row) => row.quoted),
  )
  for (const setting of ['on', 'off']) {
    await admin.query(`set standard_conforming_strings = ${setting}`)
    const literals = texts.map((text) => `(${quoteLiteral(text)})`)
    const back = await admin.query<{ t: string }>(`select t from (values ${literals.join(', ')}) as v (t)`)
    assert.deepEqual(
      back.rows.map((row) => row.t),
      texts,
    )
  }
  await admin.query('reset standard_conforming_strings')
})

test('quotes names as quote_ident does, where that quotes at all', async () => {
  const names = texts.filter((text) => text !== '')
  const { rows } = await admin.query<{ quoted: string }>(
    'select quote_ident(t) as quoted from unnest($1::text[]) with ordinality as u (t, n) order by n',
    [names],
  )
  for (const [index, name] of names.entries()) {
    const quoted = rows[index]?.quoted as string
    assert.equal(quoteIdentifier(name), quoted.startsWith('"') ? quoted : `"${quoted}"`)
    assert.deepEqual(parseQualifiedName(`${quoteIdentifier(name)}.x`), [name, 'x'])
  }
})

test('refuses a NUL in texts and names', () => {
  assert.throws(() => quoteLiteral('a\0b'), { code: 'nul_character', kind: 'configuration' })
  assert.throws(() => quoteIdentifier('a\0b'), { code: 'nul_character' })
})

test('refuses a name that the server would cut, and takes the longest that it keeps', async () => {
  const longest = `${'ü'.repeat(31)}x`
  const { rows } = await admin.query<{ name: string }>(`select 1 as ${quoteIdentifier(longest)}`)
  assert.deepEqual(Object.keys(rows[0] ?? {}), [longest])
  for (const name of [`${longest}y`, 'x'.repeat(64), '😀'.repeat(16)]) {
    assert.throws(() => quoteIdentifier(name), { code: 'name_too_long', kind: 'configuration' })
  }
})

test('reads names of tables as Postgres folds them', () => {
  assert.deepEqual(parseQualifiedName('marts.contacts'), ['marts', 'contacts'])
  assert.deepEqual(parseQualifiedName('Marts."Contacts"'), ['marts', 'Contacts'])
  assert.deepEqual(parseQualifiedName('"a.b"."c""d"'), ['a.b', 'c"d'])
  assert.deepEqual(parseQualifiedName('ÄPFEL$1'), ['ÄpfEL$1'.replace('pfEL', 'pfel')])
  for (const text of ['', '.', 'a.', '.a', 'a b', 'a-b', '1a', '"a', '""', 'a.b.c.d', "a'b", 'a;b']) {
    assert.throws(() => parseQualifiedName(text), { code: 'table_name_invalid' }, text)
  }
})

/** Everything in which a colon, a dollar or a semicolon is not code. The value is what the server makes of it. */
const DECOYS: readonly (readonly [string, string])[] = [
  [`'a :x $1 ; ''b'' :x'`, `a :x $1 ; 'b' :x`],
  [`'back\\'`, `back\\`],
  [`E'it\\'s :x \\\\'`, `it's :x \\`],
  [`e'a'\n -- not :x ' here\n '\\' :x'`, `a' :x`],
  [`$$it's :x ; $1$$`, `it's :x ; $1`],
  [`$tag$ $$ :x $other$ $tag$`, ` $$ :x $other$ `],
  [`$é1$ :x $é1$`, ` :x `],
  [`U&'\\0041:x'`, `A:x`],
  [`('x'::text)`, `x`],
  [`(array[1,2,3])[1 : 2]::text`, `{1,2}`],
  [`(array[1,2,3])[1:2]::text`, `{1,2}`],
  [`'a' /* :x /* :x ' */ " $$ ; */`, `a`],
  [`'a' -- :x ' " $$ /* ;\n`, `a`],
  [`(select "q:x ""$1;" from (select 'v' as "q:x ""$1;") as z)`, `v`],
  [`(select a$1 from (select 'w' as a$1) as z)`, `w`],
  [`(select namee from (select 'n' as namee) as z where namee = 'n')`, `n`],
  [`to_char(make_date(year => 2024, month := 1, day => 2), 'YYYY:xMM')`, `2024:x01`],
]

test('replaces a parameter, and nothing that only looks like one', async () => {
  const columns = DECOYS.map(([sql], index) => `${sql} as c${index}`)
  const sql = `select :x as id, ${columns.join(', ')}, :x||:y_2 as z -- :x`
  const params = { x: 'X', y_2: '!' }
  assert.deepEqual(
    parse(sql, params).parameters.map((parameter) => parameter.name),
    ['x', 'y_2'],
  )
  for (const read of READERS) {
    const { rows } = await readModel(server.url, { read, sql, params })
    assert.deepEqual(rows, [['X', ...DECOYS.map(([, value]) => value), 'X!']])
  }
})

test('keeps what is not closed for the server to refuse', () => {
  for (const open of [`'a :x`, `"a :x`, `$$a :x`, `$t$ :x $$`, `E'a\\' :x`, '/* :x /* */ :x']) {
    const { sql } = parse(`select ${open}`).render(bound)
    assert.equal(sql, `select ${open}`)
  }
})

test('knows the place in the model of every place in what is sent', () => {
  const model = parse('select :a, 😀, :bb , c ;; -- d', { a: 1, bb: 2 })
  const rendered = model.render((index) => `(the value of ${index})`)
  assert.equal(rendered.sql, 'select (the value of 0), 😀, (the value of 1) , c    -- d')
  for (const piece of ['select', ', 😀', ' , c', '-- d']) {
    assert.equal(rendered.sourceOffset(rendered.sql.indexOf(piece)), model.text.indexOf(piece))
  }
  assert.equal(rendered.sourceOffset(rendered.sql.indexOf('value of 1')), model.text.indexOf(':bb'))
})
