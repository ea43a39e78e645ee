import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { FatalError } from '../../src/core/errors.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { administer, backendsGone, type ModelToRead, openModel, readModel } from '../support/postgres-reading.ts'

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
  await admin.query(`
    create schema marts;
    create table marts.contacts (id bigint primary key, email text);
    create table "Orders" (id int);
    create role "Weak-One" login;
    create role weak login`)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** The error of kind `configuration` that reading ends in. */
async function refusal(model: ModelToRead, url = server.url): Promise<FatalError> {
  try {
    await readModel(url, model)
  } catch (error) {
    assert.ok(error instanceof FatalError, String((error as Error).stack))
    assert.equal(error.kind, 'configuration')
    return error
  }
  throw new assert.AssertionError({ message: 'the model was read' })
}

test('shows where in the model the server found an error, with its hint', async () => {
  const error = await refusal({ sql: "select id, 'é😀',\r\n\temial\nfrom marts.contacts -- all" })
  assert.equal(error.code, 'model_invalid')
  assert.equal(
    error.message,
    'the server refuses the model: column "emial" does not exist (at 2:2 of the model)\n  \temial\n  \t^\n' +
      'Perhaps you meant to reference the column "contacts.email".\ncorrect the model',
  )
})

test('counts characters as people do, behind parameters of any length', async () => {
  const error = await refusal({
    sql: "select '😀😀' as id, :long_name_of_a_parameter::text, nosuch from marts.contacts",
    params: { long_name_of_a_parameter: 'x' },
  })
  assert.match(error.message, /column "nosuch" does not exist \(at 1:53 of the model\)\n.*\n {54}\^\n/)
})

for (const [about, sql, code, message] of [
  [
    'a missing table',
    'select id from marts.contracts',
    'model_table_missing',
    /"marts.contracts" does not exist \(at 1:16/,
  ],
  ['a missing schema', 'select id from mart.contacts', 'model_table_missing', /mart/],
  ['a misspelt word', 'selec id', 'model_invalid', /syntax error at or near "selec" \(at 1:1 /],
  ['an open comment', 'select 1 as id /* x', 'model_invalid', /unterminated \/\* comment/],
  ['an open string', "select 1 as id, 'x", 'model_invalid', /unterminated quoted string/],
  ['an unbalanced parenthesis', 'select 1) as model, (select 2', 'model_invalid', /at or near "\)" \(at 1:9/],
  ['two statements', 'select 1 as id;\n\nselect 2', 'model_not_one_query', /more than one statement \(at 1:15 /],
  ['a transaction smuggled in', 'select 1 as id; commit', 'model_not_one_query', /keep a single SELECT/],
  ['no text', '', 'model_empty', /no statement/],
  ['comments alone', ' -- nothing\n/* at /* all */ */ ;', 'model_empty', /write a SELECT/],
  ['an insert', "insert into marts.contacts values (1, 'x')", 'model_not_a_query', /only reads: write a single SELECT/],
  ['a delete that returns rows', 'delete from marts.contacts returning id', 'model_not_a_query', /only reads/],
  ['a definition', 'create table x (id int)', 'model_not_a_query', /only reads/],
  ['select into', 'select id into elsewhere from marts.contacts', 'model_not_a_query', /only reads/],
  ['explain', 'explain select 1 as id', 'model_not_a_query', /only reads/],
  [
    'a delete inside with',
    'with d as (delete from marts.contacts returning id) select * from d',
    'model_invalid',
    /data-modifying/,
  ],
  ['row locks', 'select id from marts.contacts for update', 'model_writes', /a model may only read/],
  ['no columns', 'select', 'model_not_a_query', /only reads/],
  [
    'two columns of one name',
    'select id, email as id from marts.contacts',
    'model_duplicate_column',
    /named "id": .*with AS/,
  ],
  ['a constant that cannot be computed', 'select 1/0 as id', 'model_invalid', /division by zero/],
] as const) {
  test(`refuses a model with ${about}`, async () => {
    const error = await refusal({ sql })
    assert.equal(error.code, code)
    assert.match(error.message, message)
  })
}

test('refuses a model that writes as it runs, and writes nothing', async () => {
  await admin.query('create sequence counter')
  const error = await refusal({ sql: "select nextval('counter') as id" })
  assert.equal(error.code, 'model_writes')
  const { rows } = await admin.query('select is_called::text as called from counter')
  assert.equal(rows[0]?.called, 'false')
})

test('names the table that is not there, and the quotes that capitals need', async () => {
  const error = await refusal({ table: 'Orders' })
  assert.equal(error.code, 'model_table_missing')
  assert.match(
    error.message,
    /^127\.0\.0\.1:\d+\/postgres has no table "orders": .*double quotes around capital letters$/,
  )
  assert.equal((await refusal({ table: 'marts.contacts extra' })).code, 'table_name_invalid')
  assert.equal((await refusal({ table: '' })).code, 'table_name_invalid')
})

test('suggests the columns that the key and the fields may have meant', async () => {
  const key = await refusal({ table: 'marts.contacts', key: ['emial'] })
  assert.equal(key.code, 'key_column_missing')
  assert.match(key.message, /"emial", which is not a column of the model \(it has id, email\).*did you mean "email"\?/)
  const column = await refusal({ table: 'marts.contacts', columns: ['id', 'Email'] })
  assert.equal(column.code, 'column_missing')
  assert.match(column.message, /the fields use "Email".*did you mean "email"\?/)
})

test('names parameters that are missing, too many, untyped or of the wrong type', async () => {
  const missing = await refusal({ sql: 'select 1 as id\nwhere :consnet', params: { consent: true } })
  assert.equal(missing.code, 'param_unknown')
  assert.match(
    missing.message,
    /uses :consnet, and params has no consnet — did you mean "consent"\? \(at 2:7 of the model\)/,
  )
  const unused = await refusal({ sql: "select ':plan' as id", params: { plan: 'x' } })
  assert.equal(unused.code, 'param_unused')
  assert.match(unused.message, /does not use :plan/)
  assert.match(
    (await refusal({ table: 'marts.contacts', params: { plan: 'x' } })).message,
    /whole table takes no param/,
  )
  const numbered = await refusal({ sql: 'select 1 as id where $1', params: {} })
  assert.equal(numbered.code, 'param_unknown')
  assert.match(numbered.message, /uses \$1 \(at 1:22.*write :name/s)
  const untyped = await refusal({ sql: 'select 1 as id where :a is null', params: { a: null } })
  assert.equal(untyped.code, 'param_untyped')
  assert.match(untyped.message, /\(:a\)/)
  const wrong = await refusal({ sql: 'select id from marts.contacts where id > :min', params: { min: 'lots' } })
  assert.equal(wrong.code, 'param_invalid')
  assert.match(wrong.message, /the value of :min does not fit \(.*bigint: "lots"\)/)
})

test('names the GRANT that is missing', async () => {
  const weak = server.url.replace('postgres@', 'weak@')
  const schema = await refusal({ table: 'marts.contacts' }, weak)
  assert.equal(schema.code, 'permission_denied')
  assert.match(schema.message, /run GRANT USAGE ON SCHEMA marts TO weak$/)
  await admin.query('grant usage on schema marts to public')
  const table = await refusal({ table: 'marts.contacts' }, weak)
  assert.match(table.message, /run GRANT SELECT ON "marts"\."contacts" TO weak$/)
  const query = await refusal(
    { sql: 'select c.id from marts.contacts as c' },
    server.url.replace('postgres@', 'Weak-One@'),
  )
  assert.match(query.message, /run GRANT SELECT ON marts\.contacts TO "Weak-One"$/)
})

test('keeps no connection after a model was refused', async () => {
  await using source = await openModel(server.url, { sql: 'select nosuch' })
  await assert.rejects(source.describe(), { code: 'model_invalid' })
  await backendsGone(admin)
  await assert.rejects(source.hasAtLeast(1), { code: 'model_invalid' })
})
