import { ACKNOWLEDGED, type EntryState, type Segment, SegmentBuilder } from '../../src/core/key-entry.ts'
import type { KeyScan } from '../../src/core/key-index.ts'

/** A key as an integer encodes it: 8 bytes, in the order of the numbers from 0 on. */
export function integerKey(value: number): Buffer {
  const key = Buffer.alloc(8)
  key.writeBigUInt64BE(BigInt(value) + 2n ** 63n)
  return key
}

export interface Entry {
  readonly key: number
  readonly state?: EntryState
  readonly print?: number
}

export function segmentOf(...entries: readonly Entry[]): Segment {
  const builder = new SegmentBuilder()
  for (const { key, state = ACKNOWLEDGED, print = 1 } of entries) builder.push(state, integerKey(key), 0, 8, 0, print)
  return builder.take()
}

/** Everything a scan yields. */
export function entriesOf(scan: KeyScan): Required<Entry>[] {
  const entries: Required<Entry>[] = []
  while (scan.next()) {
    const key = Number(scan.bytes.readBigUInt64BE(scan.keyStart) - 2n ** 63n)
    entries.push({ key, state: scan.state, print: scan.printLow })
  }
  return entries
}
