import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNSURE } from '../../src/core/key-entry.ts'
import { loadSqlite, type SqliteDatabase } from '../../src/core/sqlite-driver.ts'
import { LayerStore } from '../../src/state/layer-store.ts'
import { type Entry, entriesOf, segmentOf } from '../support/keys.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const driver = await loadSqlite()
const SEED = { high: 1, low: 2 }

function open(path: string): { database: SqliteDatabase; store: LayerStore } {
  const database = new driver(path)
  database.pragma('journal_mode = WAL')
  const isNew = database.pragma('schema_version', { simple: true }) === 0
  if (isNew) {
    database.exec('CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID')
    LayerStore.create(database)
  }
  return { database, store: new LayerStore(database, { sync: 'test', path }, SEED) }
}

test('what did not fit on the disk can be written once there is room, and the index is sound', () => {
  using folder = temporaryFolder()
  const path = folder.file('index.sqlite')
  const { database, store } = open(path)
  const layer = store.add('lane')
  const keys = (from: number) => Array.from({ length: 3000 }, (_, offset) => ({ key: from + offset }))
  const doubts: Entry[] = keys(0).map((entry) => ({ ...entry, state: UNSURE }))
  store.write([{ layer, sequence: 0, segment: segmentOf(...doubts), intent: true }])

  const answers = [
    // Smaller than the intent, so that it still fits: the failure comes behind it.
    { layer, sequence: 0, segment: segmentOf(...keys(0).slice(0, 10)), intent: false },
    { layer, sequence: 1, segment: segmentOf(...keys(5000)), intent: true },
    { layer, sequence: 2, segment: segmentOf(...keys(10_000)), intent: false },
  ]
  const pages = database.pragma('page_count', { simple: true })
  database.pragma(`max_page_count = ${pages}`)
  for (let attempt = 0; attempt < 2; attempt++) {
    assert.throws(() => store.write(answers), { code: 'SQLITE_FULL' })
  }
  database.pragma('max_page_count = 1000000')
  store.write(answers)
  store.write([{ layer, sequence: 1, segment: segmentOf(), intent: false }])
  database.close()

  const again = open(path)
  const found = entriesOf(again.store.scan())
  assert.deepEqual(
    found.map(({ key }) => key),
    [...keys(0).slice(0, 10), ...keys(10_000)].map(({ key }) => key),
  )
  again.database.close()
})
