import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ACKNOWLEDGED, type EntryState, SegmentBuilder, SegmentReader } from '../../src/core/key-entry.ts'
import type { KeySpool } from '../../src/core/key-spool.ts'
import { KeySpoolFile } from '../../src/state/key-spool-file.ts'
import { segmentOf } from '../support/keys.ts'
import { mapDestination } from '../support/map-destination.ts'
import { runModel } from '../support/model-run.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { testIndex } from '../support/test-index.ts'

/** A segment of keys of many bytes each, so that a megabyte is few of them. */
function large(from: number, count: number, state: EntryState = ACKNOWLEDGED) {
  const builder = new SegmentBuilder()
  for (let key = from; key < from + count; key++) {
    const bytes = Buffer.alloc(1000)
    bytes.writeUInt32BE(key)
    builder.push(state, bytes, 0, bytes.length, key, 7)
  }
  return builder.take()
}

/** Bytes of buffers that are still in use. */
async function memory(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Buffers are given back on another thread, some time after they were found unused.
  for (let turn = 0; turn < 5; turn++) {
    collect()
    await new Promise(setImmediate)
  }
  return process.memoryUsage().arrayBuffers
}

function keysOf(spool: KeySpool): string[] {
  const keys: string[] = []
  for (const { bytes, count } of spool.read()) {
    const reader = new SegmentReader(bytes)
    let entries = 0
    while (reader.next()) {
      entries++
      keys.push(`${reader.bytes.readUInt32BE(reader.keyStart)} ${reader.state} ${reader.printHigh}.${reader.printLow}`)
    }
    assert.equal(entries, count)
  }
  return keys
}

test('gives back what was appended, in order, however much it is', () => {
  for (const segments of [0, 1, 30]) {
    using folder = temporaryFolder()
    const spool = new KeySpoolFile(folder.path, 'users')
    for (let index = 0; index < segments; index++) spool.append(large(index * 100, 100))
    assert.equal(spool.count, segments * 100)
    const keys = Array.from({ length: segments * 100 }, (_, key) => `${key} ${ACKNOWLEDGED} ${key}.7`)
    assert.deepEqual(keysOf(spool), keys)
    assert.deepEqual(keysOf(spool), keys, 'it can be read twice')
    spool.append(large(1_000_000, 1))
    assert.equal(keysOf(spool).length, keys.length + 1, 'and goes on afterwards')
    spool.close()
  }
})

test('what does not fit into memory is in a file without a name, which ends with the run', {
  skip: process.platform === 'win32' && 'Windows has no such files',
}, async () => {
  using folder = temporaryFolder()
  const spool = new KeySpoolFile(folder.path, 'users')
  const before = await memory()
  for (let index = 0; index < 300; index++) spool.append(large(index * 100, 100))
  const kept = (await memory()) - before
  assert.equal(spool.count, 30_000)
  assert.deepEqual(readdirSync(folder.path), [])
  assert.equal(keysOf(spool).length, 30_000)
  assert.ok(kept < 10 * 1024 * 1024, `${kept} bytes of 30 MB are kept in memory`)
  spool.close()
})

test('many deletes go through the file and are all sent', async () => {
  const count = 120_000
  using state = await testIndex()
  const lane = state.index.lane()
  for (let from = 0; from < count; from += 5000)
    lane.put(from / 5000, segmentOf(...Array.from({ length: 5000 }, (_, offset) => ({ key: from + offset }))))
  state.index.compact()
  const destination = mapDestination({ limits: { rows: 10_000 } })
  const { tally, error } = await runModel({ destination, index: state.index, rows: [['0', 'a']] })
  assert.equal(error, undefined)
  assert.equal(tally.counts.deleted, count - 1)
  const sent = destination.writes.flatMap(({ operation, keys }) => (operation === 'delete' ? keys : []))
  assert.deepEqual(
    sent,
    Array.from({ length: count - 1 }, (_, index) => String(index + 1)),
  )
})
