import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { type ConfigInput, sync } from '../../src/index.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { administer } from '../support/postgres-reading.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROWS = 100_000

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

const KEYS = {
  'an integer key': { key: ['id'], index: 'id' },
  'a text key': { key: ['email'], index: 'email collate "C"' },
  'a key of two columns': { key: ['plan', 'id'], index: 'plan collate "C", id' },
}
for (const [name, { key, index }] of Object.entries(KEYS)) {
  test(`a mirror of ranges read at the same time is the model, with ${name}`, async () => {
    await admin.query(`
      drop table if exists people, copies;
      create table people (id bigint primary key, email text, plan text, seats int);
      insert into people select g, 'user' || g || '@example.com', 'plan ' || g % 9, g % 100 from generate_series(1, ${ROWS}) g;
      create index on people (${index});
      analyze people;
      create table copies (id bigint, email text, plan text, seats int);
      create unique index on copies (${key.join(', ')})`)
    using folder = temporaryFolder()
    const config = {
      version: 1,
      state: folder.path,
      connections: { db: server.url },
      syncs: {
        s: {
          source: { connection: 'db', table: 'people', read: { parallel: 3 } },
          key,
          mode: 'mirror',
          destination: { connection: 'db', table: 'copies' },
          guards: { max_deletes: '100%' },
        },
      },
    } satisfies ConfigInput
    const differences = async () => {
      const { rows } = await admin.query(
        '(table people except table copies) union all (table copies except table people)',
      )
      return rows.length
    }
    const notes: string[] = []
    const first = await sync(config)
    assert.equal(first.counts.inserted, ROWS, first.error?.message)
    assert.equal(await differences(), 0)

    await admin.query(`
      delete from people where id between 30000 and 50000 or id % 1000 = 7;
      update people set seats = seats + 1 where id % 100 = 3;
      insert into people select g, 'new' || g, 'plan 10', 0 from generate_series(200001, 200500) g`)
    const second = await sync(config, { onNote: (note) => notes.push(note) })
    assert.equal(second.status, 'succeeded', second.error?.message)
    assert.deepEqual(notes, [])
    assert.equal(await differences(), 0)
    assert.deepEqual(
      [second.counts.inserted, second.counts.updated, second.counts.deleted],
      [500, ROWS / 100 - 200, 20_001 + ROWS / 1000 - 20],
    )
    const third = await sync(config)
    assert.equal(third.counts.unchanged, third.counts.read)
  })
}
