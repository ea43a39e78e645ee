import { ACKNOWLEDGED, type EntryState, type Segment, SegmentBuilder } from '../core/key-entry.ts'
import type { KeyScan } from '../core/key-index.ts'

/** An entry as the cases write it down: the key as text, one number for the fingerprint. */
export interface IndexEntry {
  readonly key: string
  readonly state: EntryState
  readonly print: number
}

export function entry(key: string, state: EntryState = ACKNOWLEDGED, print = 1): IndexEntry {
  return { key, state, print }
}

/** `key-000000`, `key-000001` …: as many as asked for, in order. */
export function numbered(count: number, state?: EntryState): IndexEntry[] {
  return Array.from({ length: count }, (_, n) => entry(numberedKey(n), state, n))
}

export function numberedKey(n: number): string {
  return `key-${String(n).padStart(6, '0')}`
}

/** Entries in the order of their bytes, as a lane takes them. */
export function segmentOf(entries: readonly IndexEntry[]): Segment {
  const builder = new SegmentBuilder()
  for (const { key, state, print } of inOrder(entries)) {
    const bytes = Buffer.from(key)
    builder.push(state, bytes, 0, bytes.length, print ^ 0x5a5a5a5a, print)
  }
  return builder.take()
}

export function inOrder(entries: readonly IndexEntry[]): IndexEntry[] {
  return [...entries].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
}

/** Everything that a scan still has. */
export function entriesOf(scan: KeyScan): IndexEntry[] {
  const entries: IndexEntry[] = []
  while (scan.next()) entries.push(current(scan))
  return entries
}

/** The entry that a scan stands at. */
export function current({ bytes, keyStart, keyEnd, state, printHigh, printLow }: KeyScan): IndexEntry {
  const intact = (printHigh ^ printLow) >>> 0 === 0x5a5a5a5a || (printHigh === 0 && printLow === 0)
  return { key: bytes.toString('utf8', keyStart, keyEnd), state, print: intact ? printLow : Number.NaN }
}
