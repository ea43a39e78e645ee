import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import fc from 'fast-check'
import { FatalError } from '../../src/core/errors.ts'
import { ACKNOWLEDGED, ADOPTED, type EntryState, GONE, UNSURE, UNSURE_NEW } from '../../src/core/key-entry.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { type Entry, entriesOf, segmentOf } from '../support/keys.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const open = (path: string, keep = true) => KeyIndexFile.open(path, 'contacts', { keep })
const code = (expected: string) => (error: unknown) => error instanceof FatalError && error.code === expected
const all = (entries: readonly Entry[]) =>
  entries.map(({ key, state = ACKNOWLEDGED, print = 1 }) => ({ key, state, print }))

/** An index of `count` acknowledged keys, closed again. */
async function filled(path: string, count: number): Promise<void> {
  const index = await open(path)
  const lane = index.lane()
  for (let from = 0, sequence = 0; from < count; from += 1000, sequence++) {
    lane.put(
      sequence,
      segmentOf(...Array.from({ length: Math.min(1000, count - from) }, (_, at) => ({ key: from + at }))),
    )
  }
  index.compact()
  index.close()
}

describe('key index', () => {
  it('gives back in key order what several lanes put, newest first for equal keys', async () => {
    using folder = temporaryFolder()
    const index = await open(folder.file('a.sqlite'))
    const [inserts, deletes] = [index.lane(), index.lane()]
    inserts.put(0, segmentOf({ key: 1 }, { key: 5 }))
    inserts.put(1, segmentOf({ key: 9 }))
    deletes.put(0, segmentOf({ key: 2, state: ADOPTED }, { key: 6 }))
    index.compact()
    assert.deepEqual(
      entriesOf(index.scan()),
      all([{ key: 1 }, { key: 2, state: ADOPTED }, { key: 5 }, { key: 6 }, { key: 9 }]),
    )
    const next = index.lane()
    next.put(0, segmentOf({ key: 5, print: 7 }, { key: 9, state: GONE }))
    index.compact()
    assert.deepEqual(
      entriesOf(index.scan()),
      all([{ key: 1 }, { key: 2, state: ADOPTED }, { key: 5, print: 7 }, { key: 6 }]),
    )
    index.close()
  })

  it('holds the same as a plain map after any sequence of runs, reopened or not', async () => {
    const states: EntryState[] = [GONE, ACKNOWLEDGED, UNSURE, UNSURE_NEW, ADOPTED]
    const run = fc.record({
      keys: fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 60 }),
      state: fc.constantFrom(...states),
      print: fc.integer({ min: 1, max: 1000 }),
      cut: fc.integer({ min: 1, max: 20 }),
      reopen: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(run, { maxLength: 12 }), async (runs) => {
        using folder = temporaryFolder()
        const path = folder.file('a.sqlite')
        let index = await open(path)
        const expected = new Map<number, Required<Entry>>()
        for (const { keys, state, print, cut, reopen } of runs) {
          const lane = index.lane()
          const sorted = [...keys].sort((a, b) => a - b)
          for (let from = 0; from < sorted.length; from += cut) {
            const entries = sorted.slice(from, from + cut).map((key) => ({ key, state, print }))
            lane.intend(from, segmentOf(...entries.map(({ key }) => ({ key, state: UNSURE as EntryState }))))
            index.commit()
            lane.put(from, segmentOf(...entries))
          }
          for (const key of keys) {
            if (state === GONE) expected.delete(key)
            else expected.set(key, { key, state, print })
          }
          if (reopen) {
            index.close()
            index = await open(path)
          } else index.compact()
        }
        assert.deepEqual(
          entriesOf(index.scan()),
          [...expected.values()].sort((a, b) => a.key - b.key),
        )
        index.close()
      }),
      { numRuns: 60 },
    )
  })

  it('keeps intents that were never answered as unsure', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    const index = await open(path)
    const lane = index.lane()
    lane.intend(0, segmentOf({ key: 1, state: UNSURE_NEW, print: 0 }))
    lane.intend(1, segmentOf({ key: 2, state: UNSURE_NEW, print: 0 }))
    index.commit()
    lane.put(0, segmentOf({ key: 1, print: 4 }))
    index.close()
    const again = await open(path)
    assert.deepEqual(
      entriesOf(again.scan()),
      all([
        { key: 1, print: 4 },
        { key: 2, state: UNSURE_NEW, print: 0 },
      ]),
    )
    again.close()
  })

  it('forgets an intent whose changes were all rejected', async () => {
    using folder = temporaryFolder()
    const index = await open(folder.file('a.sqlite'))
    const lane = index.lane()
    lane.intend(0, segmentOf({ key: 1, state: UNSURE_NEW }))
    index.commit()
    lane.put(0, segmentOf())
    index.compact()
    assert.deepEqual(entriesOf(index.scan()), [])
    index.close()
  })

  it('shows a scan the index as it was when the scan began', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    await filled(path, 5000)
    const index = await open(path)
    const scan = index.scan()
    assert.ok(scan.next())
    const lane = index.lane()
    lane.put(0, segmentOf({ key: 4000, state: GONE }, { key: 9000 }))
    index.commit()
    assert.equal(entriesOf(scan).length, 4999)
    index.close()
  })

  it('takes at most 20 bytes a row for a 64-bit key', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    await filled(path, 100_000)
    assert.ok(statSync(path).size / 100_000 < 20, `${statSync(path).size / 100_000} bytes a row`)
  })

  it('lets one run in at a time, and the next as soon as the first has closed', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    const index = await open(path)
    await assert.rejects(open(path), (error) => code('locked')(error) && (error as FatalError).kind === 'locked')
    await assert.rejects(open(path, false), code('locked'))
    index.close()
    ;(await open(path)).close()
  })

  it('leaves nothing behind after a dry run', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    const fresh = await open(path, false)
    fresh.bind({ key: 'k', destination: 'd' })
    const lane = fresh.lane()
    lane.put(0, segmentOf({ key: 1 }))
    fresh.compact()
    assert.equal(entriesOf(fresh.scan()).length, 1)
    fresh.close()
    assert.equal(existsSync(path), false)
    await filled(path, 10)
    const known = await open(path, false)
    known.lane().put(0, segmentOf({ key: 11 }))
    known.compact()
    known.note({ mapping: 'x' })
    assert.equal(entriesOf(known.scan()).length, 11)
    known.close()
    const again = await open(path)
    assert.equal(entriesOf(again.scan()).length, 10)
    assert.equal(again.mapping, undefined)
    again.close()
  })

  it('is readable by its owner alone', {
    skip: process.platform === 'win32' && 'no such modes on Windows',
  }, async () => {
    using folder = temporaryFolder()
    const index = await open(folder.file('state/a.sqlite'))
    index.lane().put(0, segmentOf({ key: 1 }))
    index.commit()
    assert.equal(statSync(folder.file('state')).mode & 0o777, 0o700)
    assert.equal(statSync(folder.file('state/a.sqlite')).mode & 0o777, 0o600)
    assert.equal(statSync(folder.file('state/a.sqlite-wal')).mode & 0o777, 0o600)
    index.close()
  })

  it('belongs to the first account that is named, which a run that cannot tell does not change', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    const place = { key: '["id"]', destination: 'crm#contacts' }
    const index = await open(path)
    index.bind(place)
    index.bind({ ...place, account: 'account 1' })
    index.close()
    const again = await open(path)
    again.bind(place)
    assert.throws(() => again.bind({ ...place, account: 'account 2' }), code('index_foreign'))
    again.bind({ ...place, account: 'account 1' })
    again.close()
  })

  it('refuses the file of another sync, another key, another place, a newer format and what is no index', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    const index = await open(path)
    index.bind({ key: '["id"]', destination: 'sqlite:/a#t' })
    index.close()
    copyFileSync(path, folder.file('b.sqlite'))
    await assert.rejects(KeyIndexFile.open(folder.file('b.sqlite'), 'companies', { keep: true }), code('index_foreign'))
    const again = await open(path)
    assert.throws(() => again.bind({ key: '["email"]', destination: 'sqlite:/a#t' }), code('index_key_changed'))
    assert.throws(() => again.bind({ key: '["id"]', destination: 'sqlite:/b#t' }), code('index_foreign'))
    again.close()
    const database = new Sqlite(path)
    database.exec("UPDATE meta SET value = '2' WHERE name = 'format_version'")
    database.close()
    await assert.rejects(open(path), code('index_newer'))
    writeFileSync(folder.file('c.sqlite'), 'this is no database, but it is long enough to look at twice'.repeat(100))
    await assert.rejects(open(folder.file('c.sqlite')), code('index_damaged'))
  })

  it('finds every flipped bit that changes an entry before the scan ends', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    await filled(path, 20_000)
    const sound = readFileSync(path)
    const first = await open(path)
    const expected = JSON.stringify(entriesOf(first.scan()))
    first.close()
    let found = 0
    let harmless = 0
    let random = 12345
    for (let flip = 0; flip < 150; flip++) {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0
      const damaged = Buffer.from(sound)
      const at = random % damaged.length
      damaged[at] = (damaged[at] as number) ^ (1 << (random >>> 29))
      writeFileSync(path, damaged)
      try {
        const index = await open(path)
        try {
          assert.equal(JSON.stringify(entriesOf(index.scan())), expected, `byte ${at} was changed and nobody noticed`)
          harmless++
        } finally {
          index.close()
        }
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error
        assert.ok(error instanceof FatalError, String(error))
        found++
      }
    }
    assert.ok(found > harmless, `${found} found, ${harmless} without effect`)
  })

  it('leaves the file as it is where a run puts nothing', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    await filled(path, 100)
    const before = readFileSync(path)
    const index = await open(path)
    index.lane()
    index.lane()
    entriesOf(index.scan())
    index.commit()
    index.compact()
    index.close()
    assert.ok(before.equals(readFileSync(path)))
  })

  it('notices a lost segment', async () => {
    using folder = temporaryFolder()
    const path = folder.file('a.sqlite')
    await filled(path, 20_000)
    const database = new Sqlite(path)
    database.exec('DELETE FROM segment WHERE id = (SELECT max(id) FROM segment)')
    database.close()
    const index = await open(path)
    assert.throws(() => entriesOf(index.scan()), code('index_damaged'))
    index.close()
  })

  it('notices a lost, added or changed layer', async () => {
    using folder = temporaryFolder()
    const sound = folder.file('a.sqlite')
    await filled(sound, 20_000)
    for (const harm of [
      'DELETE FROM layer',
      "UPDATE layer SET kind = 'bare'",
      'UPDATE layer SET entries = entries - 1',
      "INSERT INTO layer (id, kind) VALUES (99, 'delta')",
      "DELETE FROM meta WHERE name = 'root'",
    ]) {
      const path = folder.file('b.sqlite')
      copyFileSync(sound, path)
      const database = new Sqlite(path)
      database.exec(harm)
      database.close()
      await assert.rejects(open(path), code('index_damaged'), harm)
    }
  })
})
