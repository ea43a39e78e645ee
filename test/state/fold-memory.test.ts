import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACKNOWLEDGED, SegmentBuilder } from '../../src/core/key-entry.ts'
import type { KeyIndex } from '../../src/core/key-index.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { integerKey } from '../support/keys.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const MIB = 1024 * 1024
const KEYS = 400_000
/** Of the index: a header of 2 bytes, a key of 8, a fingerprint of 8. */
const INDEX_BYTES = KEYS * 18

/** What a run leaves that has written every key, with this fingerprint. */
function writeAll(index: KeyIndex, print: number): void {
  const lane = index.lane()
  const builder = new SegmentBuilder()
  const key = integerKey(0)
  for (let at = 0, sequence = 0; at < KEYS; sequence++) {
    for (const end = at + 10_000; at < end; at++) {
      key.writeUInt32BE(at, 4)
      builder.push(ACKNOWLEDGED, key, 0, 8, 0, print)
    }
    lane.put(sequence, builder.lend())
    index.commit()
  }
}

/** Bytes of buffers that `work` leaves to the collector, which cannot run meanwhile. */
function leftBehind(work: () => void): number {
  const before = process.memoryUsage().arrayBuffers
  work()
  return process.memoryUsage().arrayBuffers - before
}

test('a large index is folded and read without leaving it in memory', async () => {
  using folder = temporaryFolder()
  const index = await KeyIndexFile.open(folder.file('index.sqlite'), 'test', { keep: true })
  assert.ok(INDEX_BYTES > 6 * MIB)
  try {
    writeAll(index, 1)
    index.compact()
    writeAll(index, 2)
    assert.ok(leftBehind(() => index.compact()) < 2 * MIB)
    const scan = index.scan()
    let entries = 0
    const read = () => {
      while (scan.next()) if (scan.printLow === 2) entries++
    }
    assert.ok(leftBehind(read) < 2 * MIB)
    assert.equal(entries, KEYS)
  } finally {
    index.close()
  }
})
