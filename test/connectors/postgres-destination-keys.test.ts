import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { field } from '../support/batch-field.ts'
import { batch, DestinationDatabase, NAME, never, write } from '../support/destination-database.ts'

const database = DestinationDatabase.forThisFile()

describe('keys that are equal without being the same', () => {
  it('a mirrored key is written as the model has it, and a delete spares the record of an equal key', async () => {
    await database.run(`CREATE SCHEMA extra;
      CREATE COLLATION extra.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE loose (email text COLLATE extra.nocase PRIMARY KEY, amount numeric UNIQUE);
      INSERT INTO loose VALUES ('bob@x', 1.0), ('eve@x', 2)`)
    const email = [field('email'), field('amount')] as const
    await using destination = await database.open('loose', { fields: email, match: ['email'] })
    assert.deepEqual(await destination.check(), [])
    assert.deepEqual(await write(destination, 'upsert', ['Bob@x 1.50'], email), ['done'])
    assert.deepEqual(await database.rows('SELECT * FROM loose ORDER BY 1'), ['Bob@x 1.50', 'eve@x 2'])
    assert.deepEqual(await write(destination, 'delete', ['bob@x', 'eve@x'], [email[0]]), ['done', 'done'])
    assert.deepEqual(await write(destination, 'update', ['BOB@x 3'], email), ['done'])
    assert.deepEqual(await database.rows('TABLE loose'), ['BOB@x 3'])

    const amount = [field('amount', 'decimal'), field('email')] as const
    await using byAmount = await database.open('loose', { fields: amount, match: ['amount'] })
    assert.deepEqual(await write(byAmount, 'upsert', ['3.00 bob@x', '4 ann@x'], amount), ['done', 'done'])
    assert.deepEqual(await write(byAmount, 'delete', ['3', '4'], [amount[0]]), ['done', 'done'])
    assert.deepEqual(await database.rows('TABLE loose'), ['bob@x 3.00'])
  })

  it('an upsert that deletes nothing leaves the match of an existing record as it is', async () => {
    await database.run(`CREATE TABLE kept (email text COLLATE extra.nocase PRIMARY KEY, name text);
      INSERT INTO kept VALUES ('bob@x', 'b')`)
    const fields = [field('email'), NAME]
    await using destination = await database.open('kept', { fields, match: ['email'], mode: 'upsert' })
    assert.deepEqual(await write(destination, 'upsert', ['BOB@x B'], fields), ['done'])
    assert.deepEqual(await database.rows('TABLE kept'), ['bob@x B'])
  })

  it('records are found by the operator of the index, wherever it is', async () => {
    await database.run(`CREATE EXTENSION citext SCHEMA extra;
      CREATE TABLE people (email extra.citext PRIMARY KEY, name text); INSERT INTO people VALUES ('Bob@x', 'b')`)
    const fields = [field('email'), NAME] as const
    await using destination = await database.open('people', { fields, match: ['email'], mode: 'upsert' })
    assert.deepEqual(await write(destination, 'update', ['bob@x B', 'eve@x E'], fields), ['done', 'not_found'])
    assert.deepEqual(await write(destination, 'upsert', ['BOB@x BB', 'eve@x E'], fields), ['done', 'done'])
    assert.deepEqual(await database.rows('SELECT * FROM people ORDER BY 2'), ['Bob@x BB', 'eve@x E'])
    assert.deepEqual(await write(destination, 'delete', ['bob@X'], [fields[0]]), ['done'])
    assert.deepEqual(await database.rows('TABLE people'), ['eve@x E'])
  })

  it('a mirror stops at a key that the table prints otherwise than the model wrote it', async () => {
    await database.run('CREATE TABLE identities (id uuid PRIMARY KEY, name text)')
    const fields = [field('id'), NAME]
    const lower = '0a000000-0000-0000-0000-000000000001'
    const upper = lower.toUpperCase()
    await using destination = await database.open('identities', { fields })
    assert.match((await destination.check()).join(), /id is text in the model and uuid in identities/)
    assert.deepEqual(await write(destination, 'upsert', [`${lower} x`], fields), ['done'])
    await assert.rejects(destination.write(batch('upsert', [`${upper} y`], fields), never), {
      name: 'FatalError',
      code: 'key_changes_in_table',
      message: /"0A000000.*becomes "0a000000.*column "id"/,
    })
    assert.deepEqual(await write(destination, 'update', [`${lower} z`], fields), ['done'])
    await using upserting = await database.open('identities', { fields, mode: 'upsert' })
    assert.deepEqual(await write(upserting, 'upsert', [`${upper} Z`], fields), ['done'])
    assert.deepEqual(await database.rows('TABLE identities'), [`${lower} Z`])
  })
})
