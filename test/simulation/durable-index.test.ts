import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { ACKNOWLEDGED, ADOPTED, GONE, RETIRED, SEEN, UNSURE, UNSURE_NEW } from '../../src/core/key-entry.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { type Entry, segmentOf } from '../support/keys.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { durableIndex } from './durable-index.ts'
import { tablesOf } from './sqlite-image.ts'

test('what is read from the disk is what was committed, and nothing else, while the index is open and after', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  assert.equal(durableIndex(path).size, 0)
  const index = await KeyIndexFile.open(path, 'test', { keep: true })
  const read = () => Object.fromEntries(durableIndex(path))
  const lane = index.lane()
  lane.intend(0, segmentOf({ key: 1, state: UNSURE_NEW }, { key: 2, state: UNSURE }))
  assert.deepEqual(read(), {})
  index.commit()
  assert.deepEqual(read(), { 1: 'unsure_new', 2: 'unsure' })
  lane.put(0, segmentOf({ key: 1, state: ACKNOWLEDGED }))
  assert.deepEqual(read(), { 1: 'unsure_new', 2: 'unsure' })
  index.compact()
  assert.deepEqual(read(), { 1: 'acknowledged' })
  const states: Entry[] = [
    { key: -7, state: ADOPTED },
    { key: 1, state: GONE },
    { key: 3, state: SEEN },
    { key: 4, state: RETIRED },
  ]
  index.lane().put(0, segmentOf(...states))
  index.commit()
  const known = { '-7': 'adopted', 3: 'seen', 4: 'retired' }
  assert.deepEqual(read(), known)
  index.close()
  assert.deepEqual(read(), known)
})

test('the reader of SQLite files reads what SQLite wrote, on one page and on many, from the log and without it', () => {
  for (const pageSize of [512, 4096, 65536]) {
    using folder = memoryFolder()
    const path = folder.file('some.sqlite')
    const database = new Sqlite(path)
    database.pragma(`page_size = ${pageSize}`)
    database.pragma('journal_mode = WAL')
    database.exec(
      'CREATE TABLE small (id INTEGER PRIMARY KEY, n, t); CREATE TABLE large (id INTEGER PRIMARY KEY, data)',
    )
    const small = database.prepare('INSERT INTO small VALUES (?, ?, ?)')
    const numbers = [0, 1, -1, 127, -129, 40_000, -(2 ** 20), 2 ** 30, 2 ** 40, 2 ** 50, 1.5, null]
    database.transaction(() => {
      for (let id = 1; id <= 3000; id++) small.run(id * 2 ** 24, numbers[id % numbers.length], `text ${id} é`)
    })()
    for (const bytes of [0, 10, 470, 480, 500, 4060, 4090, 5000, 70_000, 200_000])
      database.prepare('INSERT INTO large (data) VALUES (?)').run(Buffer.alloc(bytes, bytes % 251))
    const expect = () => {
      const found = tablesOf(path, ['small', 'large', 'none'])
      const plain = (table: string) => found.get(table)?.map(({ rowid, values }) => [rowid, ...values.slice(1)])
      const rows = (table: string) => database.prepare(`SELECT * FROM ${table} ORDER BY id`).raw().all()
      assert.deepEqual(plain('small'), rows('small'))
      assert.deepEqual(plain('large'), rows('large'))
      assert.deepEqual(plain('none'), [])
    }
    expect()
    database.pragma('wal_checkpoint(TRUNCATE)')
    expect()
    database.exec('DELETE FROM small WHERE n IS NULL; DELETE FROM large WHERE id > 8')
    expect()
    database.exec('BEGIN; DELETE FROM small')
    const uncommitted = tablesOf(path, ['small']).get('small')?.length
    database.exec('ROLLBACK')
    assert.equal(uncommitted, database.prepare('SELECT count(*) FROM small').pluck().get())
    database.close()
  }
})
