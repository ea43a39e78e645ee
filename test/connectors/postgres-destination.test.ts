import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { DestinationDatabase, ID, NAME, never, write } from '../support/destination-database.ts'

const database = DestinationDatabase.forThisFile()

describe('the operations', () => {
  it('upsert creates and updates', async () => {
    await using destination = await database.open(await database.table('upserts'))
    assert.deepEqual(await write(destination, 'upsert', ['3 C', '4 d', '5 -']), ['done', 'done', 'done'])
    assert.deepEqual(await database.rows('SELECT * FROM upserts ORDER BY id'), ['1 a', '2 b', '3 C', '4 d', '5 -'])
  })

  it('the same batch again leaves one record each', async () => {
    await using destination = await database.open(await database.table('resends'))
    await database.run('TRUNCATE resends')
    for (const _ of [1, 2, 3]) assert.deepEqual(await write(destination, 'upsert', ['1 x', '2 y']), ['done', 'done'])
    assert.deepEqual(await database.rows('SELECT * FROM resends ORDER BY id'), ['1 x', '2 y'])
  })

  it('insert answers for each record whether it is there already, and leaves it alone', async () => {
    await using destination = await database.open(await database.table('inserts'), { mode: 'insert-only' })
    assert.deepEqual(await write(destination, 'insert', ['9 i']), ['done'])
    assert.deepEqual(await write(destination, 'insert', ['2 B', '8 h', '1 A']), ['exists', 'done', 'exists'])
    assert.deepEqual(await write(destination, 'insert', ['7 g', '8 H']), ['done', 'exists'])
    const expected = ['1 a', '2 b', '3 c', '7 g', '8 h', '9 i']
    assert.deepEqual(await database.rows('SELECT * FROM inserts ORDER BY id'), expected)
  })

  it('update answers for each record whether it is there', async () => {
    await using destination = await database.open(await database.table('updates'), { mode: 'update-only' })
    const outcomes = await write(destination, 'update', ['9 X', '2 B', '8 Y', '1 -'])
    assert.deepEqual(outcomes, ['not_found', 'done', 'not_found', 'done'])
    assert.deepEqual(await database.rows('SELECT * FROM updates ORDER BY id'), ['1 -', '2 B', '3 c'])
  })

  it('delete is done whether or not the record was there', async () => {
    await using destination = await database.open(await database.table('deletes'), { mode: 'delete-only' })
    assert.deepEqual(await write(destination, 'delete', ['2', '9', '3'], [ID]), ['done', 'done', 'done'])
    assert.deepEqual(await database.rows('TABLE deletes'), ['1 a'])
  })

  it('finds records by a composite match, in any order of the index', async () => {
    await database.run(`CREATE TABLE orders (total int, tenant text, "order" int, UNIQUE ("order", tenant));
      INSERT INTO orders VALUES (1, 'eu', 1), (2, 'eu', 2), (3, 'us', 1)`)
    const fields = [field('tenant'), field('order', 'integer'), field('total', 'integer')]
    await using destination = await database.open('orders', { fields, match: ['tenant', 'order'] })
    assert.deepEqual(await write(destination, 'upsert', ['eu 2 22', 'us 2 23'], fields), ['done', 'done'])
    assert.deepEqual(await write(destination, 'update', ['eu 1 11', 'x 1 0'], fields), ['done', 'not_found'])
    assert.deepEqual(await write(destination, 'delete', ['us 1'], fields.slice(0, 2)), ['done'])
    const expected = ['eu 1 11', 'eu 2 22', 'us 2 23']
    assert.deepEqual(await database.rows('SELECT tenant, "order", total FROM orders ORDER BY 1, 2'), expected)
  })

  it('updates every record with the match where nothing makes it unique', async () => {
    await database.run(
      `CREATE TABLE repeated (id int, name text); INSERT INTO repeated VALUES (1, 'a'), (1, 'b'), (2, 'c')`,
    )
    await using destination = await database.open('repeated', { mode: 'update-only' })
    assert.deepEqual(await write(destination, 'update', ['1 x', '3 y']), ['done', 'not_found'])
    assert.deepEqual(await database.rows('SELECT * FROM repeated ORDER BY id'), ['1 x', '1 x', '2 c'])
  })

  it('answers for the right lines of a large batch', async () => {
    await using destination = await database.open(await database.table('many'), { mode: 'update-only' })
    await database.run(
      `TRUNCATE many; INSERT INTO many SELECT g, repeat('x', g % 100) FROM generate_series(0, 9999, 2) g`,
    )
    const changes = Array.from({ length: 10_000 }, (_, id) => `${id} ${'y'.repeat((id % 90) + 1)}`)
    const outcomes = await write(destination, 'update', changes)
    assert.ok(outcomes.every((outcome, id) => outcome === (id % 2 === 0 ? 'done' : 'not_found')))
    const changed = "SELECT count(*) FROM many WHERE name = repeat('y', (id % 90 + 1)::int)"
    assert.deepEqual(await database.rows(changed), ['5000'])
  })
})

describe('fields', () => {
  it('nulls: skip leaves the value of an existing record, and is null in a new one', async () => {
    const fields = [ID, field('name', 'text', { nulls: 'skip' })]
    await using destination = await database.open(await database.table('skips'), { fields })
    assert.deepEqual(await write(destination, 'upsert', ['1 -', '2 B', '4 -'], fields), ['done', 'done', 'done'])
    assert.deepEqual(await write(destination, 'update', ['3 -', '2 BB'], fields), ['done', 'done'])
    assert.deepEqual(await database.rows('SELECT * FROM skips ORDER BY id'), ['1 a', '2 BB', '3 c', '4 -'])
  })

  it('on: insert writes new records only', async () => {
    const fields = [ID, NAME, field('stage', 'text', { on: 'insert' })]
    const name = await database.table('stages', 'id int PRIMARY KEY, name text, stage text')
    await using destination = await database.open(name, { fields })
    assert.deepEqual(await write(destination, 'upsert', ['1 A new', '4 D new'], fields), ['done', 'done'])
    assert.deepEqual(await write(destination, 'update', ['2 B new'], fields), ['done'])
    assert.deepEqual(await database.rows('SELECT * FROM stages ORDER BY id'), ['1 A -', '2 B -', '3 c -', '4 D new'])
  })

  it('nothing to set still says which records are there', async () => {
    await using destination = await database.open(await database.table('bare'), { fields: [ID] })
    assert.deepEqual(await write(destination, 'upsert', ['1', '4'], [ID]), ['done', 'done'])
    assert.deepEqual(await write(destination, 'update', ['1', '5'], [ID]), ['done', 'not_found'])
    assert.deepEqual(await database.rows('SELECT * FROM bare ORDER BY id'), ['1 a', '2 b', '3 c', '4 -'])
  })

  it('columns that are not written stay as they are', async () => {
    const computed = 'doubled int GENERATED ALWAYS AS (id * 2) STORED'
    const columns = `id int PRIMARY KEY, name text, kept text DEFAULT 'default', ${computed}`
    await using destination = await database.open(await database.table('partial', columns))
    await database.run(`UPDATE partial SET kept = 'mine'`)
    assert.deepEqual(await write(destination, 'upsert', ['1 A', '4 d']), ['done', 'done'])
    assert.deepEqual(await write(destination, 'update', ['2 B']), ['done'])
    const expected = ['1 A mine 2', '2 B mine 4', '3 c mine 6', '4 d default 8']
    assert.deepEqual(await database.rows('SELECT * FROM partial ORDER BY id'), expected)
  })

  it('names may hold quotes, dots, blanks, letters of any script and reserved words', async () => {
    const table = `"Mixed ""Case"""."my.table; --"`
    const columns = ['select', 'a.b "c"', 'größe 尺寸', 'line', 'field_0', 'target', 'staged', 'excluded']
    const quoted = columns.map((name) => `"${name.replaceAll('"', '""')}" text`).join(', ')
    await database.run(`CREATE SCHEMA "Mixed ""Case"""; CREATE TABLE ${table} (${quoted}, PRIMARY KEY ("select"))`)
    const fields = columns.map((name) => field(name))
    await using destination = await database.open(table, { fields, match: ['select'] })
    assert.deepEqual(await destination.check(), [])
    assert.deepEqual(await write(destination, 'upsert', ['1 b c d e f g h'], fields), ['done'])
    const two = ['1 b c d e f g h', '2 b c d e f g h']
    assert.deepEqual(await write(destination, 'upsert', two, fields), ['done', 'done'])
    assert.deepEqual(await write(destination, 'update', ['1 B C D E F G H'], fields), ['done'])
    assert.deepEqual(await write(destination, 'delete', ['2'], fields.slice(0, 1)), ['done'])
    assert.deepEqual(await database.rows(`TABLE ${table}`), ['1 B C D E F G H'])
  })

  it('a field that the table lacks is a mistake of the user', async () => {
    await using destination = await database.open(await database.table('lacks'))
    const batch = changeBatch('upsert', [ID, field('nmae')], [['1', 'x']])
    await assert.rejects(destination.write(batch, never), { code: 'unknown_field', message: /did you mean "name"/ })
  })
})
