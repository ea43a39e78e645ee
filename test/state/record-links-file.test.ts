import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { FatalError } from '../../src/core/errors.ts'
import type { RecordLink } from '../../src/core/record-links.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { restore, snapshotOf } from '../simulation/state-snapshot.ts'
import { integerKey, segmentOf } from '../support/keys.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { seededRandom, seeds, withSeed } from '../support/seeded-random.ts'

const open = (path: string, keep = true) => KeyIndexFile.open(path, 'test', { keep })

function linkOf(number: number, given: Partial<RecordLink> = {}): RecordLink {
  const identities = [`user${number}@example.com`]
  return { identities, aliases: [], match: identities, id: `r${number}`, retired: false, overwritten: false, ...given }
}

test('a link is found by its key, its identities, its aliases and its id, before and after it is committed', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  const link = linkOf(1, { identities: ['a', 'b'], aliases: ['c'], match: ['a', null, 'ü\n'], retired: true })
  const look = (index: KeyIndexFile) => {
    assert.deepEqual(index.links.get(integerKey(1)), link)
    for (const identity of ['a', 'b', 'c']) assert.deepEqual(index.links.ownerOfIdentity(identity), integerKey(1))
    assert.deepEqual(index.links.ownerOfId('r1'), integerKey(1))
    for (const identity of ['r1', 'A', '']) assert.equal(index.links.ownerOfIdentity(identity), undefined)
    assert.equal(index.links.ownerOfId('a'), undefined)
  }
  const first = await open(path)
  assert.equal(first.links.get(integerKey(1)), undefined)
  first.links.put(integerKey(1), link)
  look(first)
  first.commit()
  look(first)
  first.close()
  const second = await open(path)
  look(second)
  second.links.put(integerKey(1), linkOf(1, { identities: ['b'], id: null }))
  assert.equal(second.links.ownerOfIdentity('a'), undefined)
  assert.equal(second.links.ownerOfId('r1'), undefined)
  second.links.put(integerKey(2), linkOf(2, { identities: ['a'], id: 'r1' }))
  second.commit()
  assert.deepEqual(second.links.ownerOfIdentity('a'), integerKey(2))
  assert.deepEqual(second.links.ownerOfIdentity('b'), integerKey(1))
  second.links.remove(integerKey(2))
  second.links.remove(integerKey(3))
  second.close()
  const third = await open(path)
  assert.equal(third.links.ownerOfId('r1'), undefined)
  assert.deepEqual(third.links.get(integerKey(1))?.identities, ['b'])
  third.close()
})

test('links do as a map does, over random histories with commits, reopenings and dry runs', async () => {
  for (const seed of seeds(8)) {
    await withSeed(seed, 'test/state/record-links-file', async (random) => {
      using folder = memoryFolder()
      const path = folder.file('test.sqlite')
      let index = await open(path)
      const known = new Map<number, RecordLink>()
      const taken = () => new Set([...known.values()].flatMap(({ identities, aliases }) => [...identities, ...aliases]))
      for (let step = 0; step < 80; step++) {
        const number = random.below(12)
        const what = random.pick(['put', 'put', 'remove', 'commit', 'reopen', 'dry run'])
        if (what === 'put') {
          known.delete(number)
          index.links.remove(integerKey(number))
          const free = ['a', 'b', 'c', 'd', 'e', 'f'].filter((identity) => !taken().has(identity))
          const [identities, aliases] = [random.some(free, 0.3), [] as string[]]
          if (identities.length > 1) aliases.push(identities.pop() as string)
          const ids = new Set([...known.values()].map(({ id }) => id))
          const id = random.pick(['1', '2', '3', null])
          const link = linkOf(number, {
            identities,
            aliases,
            id: ids.has(id) ? null : id,
            overwritten: random.chance(0.2),
          })
          index.links.put(integerKey(number), link)
          known.set(number, link)
        } else if (what === 'remove') {
          index.links.remove(integerKey(number))
          known.delete(number)
        } else if (what === 'commit') index.commit()
        else {
          index.close()
          if (what === 'dry run') {
            const dry = await open(path, false)
            for (let key = 0; key < 12; key++) dry.links.put(integerKey(key), linkOf(key))
            assert.deepEqual(dry.links.ownerOfId('r7'), integerKey(7))
            dry.close()
          }
          index = await open(path)
        }
        for (let key = 0; key < 12; key++) assert.deepEqual(index.links.get(integerKey(key)), known.get(key))
        for (const identity of ['a', 'b', 'c', 'd', 'e', 'f']) {
          const owner = [...known].find(([, link]) => [...link.identities, ...link.aliases].includes(identity))?.[0]
          assert.deepEqual(index.links.ownerOfIdentity(identity), owner === undefined ? undefined : integerKey(owner))
        }
        for (const id of ['1', '2', '3']) {
          const owner = [...known].find(([, link]) => link.id === id)?.[0]
          assert.deepEqual(index.links.ownerOfId(id), owner === undefined ? undefined : integerKey(owner))
        }
      }
      index.commit()
      const overwritten = [...known].filter(([, link]) => link.overwritten).map(([number]) => integerKey(number))
      assert.deepEqual(index.links.overwritten(), overwritten.sort(Buffer.compare))
      index.close()
    })
  }
})

test('a link is durable with the intent that was put with it, and not without it', async () => {
  using folder = memoryFolder()
  const path = folder.file('state/test.sqlite')
  const index = await open(path)
  const lane = index.lane()
  lane.intend(0, segmentOf({ key: 1 }))
  index.links.put(integerKey(1), linkOf(1))
  const before = snapshotOf(folder.file('state'))
  index.commit()
  index.links.put(integerKey(1), linkOf(1, { id: 'later' }))
  const after = snapshotOf(folder.file('state'))
  index.close()
  for (const [state, entries, id] of [
    [before, 0, undefined],
    [after, 1, 'r1'],
  ] as const) {
    restore(folder.file('state'), state)
    const killed = await open(path)
    assert.equal(killed.summary().entries, entries)
    assert.equal(killed.links.get(integerKey(1))?.id, id)
    killed.close()
  }
})

test('an index without links has no tables for them, and one of before them gets them when they are needed', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  const tables = async () => {
    const { default: Sqlite } = await import('better-sqlite3')
    const database = new Sqlite(path, { readonly: true })
    const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all()
    database.close()
    return names
  }
  const first = await open(path)
  first.lane().put(0, segmentOf({ key: 1 }))
  first.commit()
  assert.equal(first.links.get(integerKey(1)), undefined)
  first.links.remove(integerKey(1))
  assert.deepEqual(first.links.overwritten(), [])
  assert.deepEqual([...first.notes.all()], [])
  first.notes.set('nothing', null)
  first.close()
  assert.deepEqual(await tables(), ['layer', 'meta', 'segment'])
  const second = await open(path)
  second.links.put(integerKey(1), linkOf(1))
  second.close()
  assert.deepEqual(await tables(), ['layer', 'link', 'link_name', 'meta', 'segment'])
})

test('a full disk loses no link that waits: the same commit may be tried again', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  const { default: Sqlite } = await import('better-sqlite3')
  const index = await open(path)
  const { exec } = Sqlite.prototype
  let fails = true
  // The first thing that links write are their tables.
  Sqlite.prototype.exec = function (sql: string) {
    if (fails && sql.includes('CREATE TABLE link')) throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' })
    return exec.call(this, sql)
  }
  try {
    index.links.put(integerKey(1), linkOf(1))
    assert.throws(() => index.commit(), { code: 'state_disk_full' })
    fails = false
    assert.deepEqual(index.links.ownerOfId('r1'), integerKey(1))
    index.commit()
  } finally {
    Sqlite.prototype.exec = exec
  }
  index.close()
  const again = await open(path)
  assert.deepEqual(again.links.get(integerKey(1)), linkOf(1))
  again.close()
})

test('a flipped bit is found before a link is believed', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  const index = await open(path)
  for (let number = 0; number < 300; number++) index.links.put(integerKey(number), linkOf(number))
  index.commit()
  index.notes.set('job', 'tok-1')
  index.close()
  const sound = readFileSync(path)
  // Most of a page is free.
  const used = Array.from(sound.keys()).filter((at) => sound[at] !== 0)
  const random = seededRandom(7)
  let found = 0
  for (let flip = 0; flip < 150; flip++) {
    const bytes = Buffer.from(sound)
    const at = random.pick(used)
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
    writeFileSync(path, bytes)
    let damaged: KeyIndexFile | undefined
    try {
      damaged = await open(path)
      for (let number = 0; number < 300; number += 23) {
        assert.deepEqual(damaged.links.get(integerKey(number)), linkOf(number))
        assert.deepEqual(damaged.links.ownerOfIdentity(`user${number}@example.com`), integerKey(number))
        assert.deepEqual(damaged.links.ownerOfId(`r${number}`), integerKey(number))
      }
      assert.deepEqual([...damaged.notes.all()], [['job', 'tok-1']])
    } catch (error) {
      assert.ok(error instanceof FatalError, `flip ${flip} of byte ${at}: ${String(error)}`)
      found++
    } finally {
      damaged?.close()
    }
  }
  assert.ok(found > 50, `${found} of 150 flips were found; the rest hit nothing that is read`)
})

test('a lost row is found, too, by whoever looks for another', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  const { default: Sqlite } = await import('better-sqlite3')
  for (const sql of [
    'DELETE FROM link WHERE key = (SELECT max(key) FROM link)',
    'DELETE FROM link_name WHERE name = (SELECT max(name) FROM link_name)',
    "UPDATE link_name SET key = x'00' WHERE name = (SELECT max(name) FROM link_name)",
    'UPDATE link SET data = (SELECT data FROM link ORDER BY key LIMIT 1)',
    'DROP TABLE link_name',
    "DELETE FROM meta WHERE name = 'links'",
  ]) {
    const index = await open(path)
    for (let number = 0; number < 5; number++) index.links.put(integerKey(number), linkOf(number))
    index.close()
    const database = new Sqlite(path)
    database.exec(sql)
    database.close()
    const damaged = await open(path)
    assert.throws(() => damaged.links.get(integerKey(0)), { code: 'index_damaged' }, sql)
    damaged.close()
    restore(folder.path, new Map())
  }
})

test('what was overwritten is told by a count of its own: where there is nothing, no link is read', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  const { default: Sqlite } = await import('better-sqlite3')
  const written = await open(path)
  for (let number = 0; number < 5; number++) written.links.put(integerKey(number), linkOf(number))
  written.close()
  const sound = readFileSync(path)
  for (const [sql, code] of [
    ["UPDATE link SET data = x'00'", undefined],
    ["UPDATE meta SET value = replace(value, ' 0 ', ' 1 ') WHERE name = 'links'", 'index_damaged'],
    ["UPDATE meta SET value = '10 0 0 0' WHERE name = 'links'", 'index_damaged'],
    ["DELETE FROM meta WHERE name = 'links'", 'index_damaged'],
  ] as const) {
    writeFileSync(path, sound)
    const database = new Sqlite(path)
    database.exec(sql)
    database.close()
    const index = await open(path)
    if (code === undefined) assert.deepEqual(index.links.overwritten(), [])
    else assert.throws(() => index.links.overwritten(), { code }, sql)
    assert.throws(() => index.links.get(integerKey(0)), { code: 'index_damaged' }, sql)
    index.close()
  }
})

test('keys and names of all lengths and bytes are verified, more of them than are read at once', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  const { default: Sqlite } = await import('better-sqlite3')
  const keyAt = (number: number) =>
    number === 0 ? Buffer.alloc(0) : Buffer.from([number >> 8, number & 0xff, ...Buffer.alloc(number % 7, number)])
  const identityOf = (number: number) => `${'é'.repeat(number % 60)}${'x'.repeat((number * 7) % 60)}${number}`
  const given = (number: number) =>
    linkOf(number, { identities: [identityOf(number)], overwritten: number % 100 === 0 })
  const written = await open(path)
  for (let number = 0; number < 700; number++) written.links.put(keyAt(number), given(number))
  written.close()
  const index = await open(path)
  for (let number = 0; number < 700; number++) {
    assert.deepEqual(index.links.get(keyAt(number)), given(number))
    assert.deepEqual(index.links.ownerOfIdentity(identityOf(number)), keyAt(number))
    assert.deepEqual(index.links.ownerOfId(`r${number}`), keyAt(number))
  }
  assert.equal(index.links.overwritten().length, 7)
  index.close()
  const sound = readFileSync(path)
  for (const sql of [
    "DELETE FROM link WHERE key = x''",
    'DELETE FROM link WHERE key = (SELECT key FROM link ORDER BY key LIMIT 1 OFFSET 256)',
    'DELETE FROM link_name WHERE name = (SELECT name FROM link_name ORDER BY name LIMIT 1 OFFSET 1023)',
    "UPDATE link SET key = x'ffff' WHERE key = (SELECT max(key) FROM link)",
    "UPDATE link SET data = x'01' WHERE key = (SELECT max(key) FROM link)",
    'UPDATE link_name SET key = CAST(key || name AS BLOB) WHERE name = (SELECT max(name) FROM link_name)',
    'UPDATE link SET data = substr(data, 1, length(data) - 1) WHERE key = (SELECT max(key) FROM link)',
  ]) {
    writeFileSync(path, sound)
    const database = new Sqlite(path)
    assert.equal(database.prepare(sql).run().changes, 1, sql)
    database.close()
    const damaged = await open(path)
    assert.throws(() => damaged.links.ownerOfId('r5'), { code: 'index_damaged' }, sql)
    damaged.close()
  }
})

test('a name that went to another key and back, or a link that was put back, is as it was', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  const index = await open(path)
  index.links.put(integerKey(1), linkOf(1, { identities: ['a'] }))
  index.commit()
  index.links.put(integerKey(2), linkOf(2, { identities: ['a'] }))
  assert.deepEqual(index.links.ownerOfIdentity('a'), integerKey(2))
  index.links.put(integerKey(1), linkOf(1, { identities: ['a'] }))
  assert.deepEqual(index.links.ownerOfIdentity('a'), integerKey(1))
  index.links.remove(integerKey(2))
  assert.deepEqual(index.links.ownerOfIdentity('a'), integerKey(1))
  index.commit()
  index.links.put(integerKey(1), linkOf(1, { identities: ['b'], overwritten: true }))
  index.links.put(integerKey(1), linkOf(1, { identities: ['a'] }))
  index.close()
  const again = await open(path)
  assert.deepEqual(again.links.ownerOfIdentity('a'), integerKey(1))
  assert.equal(again.links.ownerOfIdentity('b'), undefined)
  assert.deepEqual(again.links.get(integerKey(1)), linkOf(1, { identities: ['a'] }))
  assert.deepEqual(again.links.overwritten(), [])
  again.close()
})

test('what is wanted is forgotten with the run, and comes in the order of the rows that want it', async () => {
  using folder = memoryFolder()
  const path = folder.file('test.sqlite')
  const index = await open(path)
  const { wanted } = index.links
  assert.deepEqual([wanted.has(integerKey(1)), wanted.confirmed(undefined, 9)], [false, []])
  for (const [owner, by] of [
    [1, 30],
    [2, 10],
    [3, 20],
    [1, 5],
  ] as const)
    wanted.want(integerKey(owner), integerKey(by))
  for (const owner of [1, 2, 7]) wanted.confirm(integerKey(owner))
  assert.deepEqual([wanted.has(integerKey(3)), wanted.has(integerKey(7))], [true, false])
  const [second, first] = [
    { owner: integerKey(2), by: integerKey(10) },
    { owner: integerKey(1), by: integerKey(30) },
  ]
  assert.deepEqual(wanted.confirmed(undefined, 1), [second])
  assert.deepEqual(wanted.confirmed(integerKey(10), 9), [first])
  index.close()
  const again = await open(path)
  assert.equal(again.links.wanted.has(integerKey(1)), false)
  again.close()
})

test('notes are durable when they are set, and a dry run sets none', async () => {
  using folder = memoryFolder()
  const path = folder.file('state/test.sqlite')
  const index = await open(path)
  index.notes.set('job 1', 'open')
  index.notes.set('job 2', '{"id":"ü"}')
  index.notes.set('job 1', 'uploaded')
  const killed = snapshotOf(folder.file('state'))
  index.notes.set('job 2', null)
  index.close()
  restore(folder.file('state'), killed)
  const dry = await open(path, false)
  dry.notes.set('job 3', 'x')
  assert.equal(dry.notes.all().size, 3)
  dry.close()
  const again = await open(path)
  assert.deepEqual(
    [...again.notes.all()],
    [
      ['job 1', 'uploaded'],
      ['job 2', '{"id":"ü"}'],
    ],
  )
  again.close()
})
