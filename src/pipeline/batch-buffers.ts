import { SegmentBuilder } from '../core/key-entry.ts'

/** The memory that the changes of one batch need. It grows, and is used again for the next one. */
export interface BatchBuffers {
  text: Buffer
  ends: Uint32Array
  keys: Buffer
  keyEnds: Uint32Array
  states: Uint8Array
  /** Four words a change: the old fingerprint, then the new one. */
  prints: Uint32Array
  /** The last segment that was packed. */
  readonly packed: SegmentBuilder
}

export function batchBuffers(): BatchBuffers {
  return {
    text: Buffer.allocUnsafe(64 * 1024),
    ends: new Uint32Array(1024),
    keys: Buffer.allocUnsafe(16 * 1024),
    keyEnds: new Uint32Array(1024),
    states: new Uint8Array(1024),
    prints: new Uint32Array(4096),
    packed: new SegmentBuilder(32 * 1024),
  }
}

/** Those of a batch that is empty or lies on the disk: there is room for nothing. */
export const NO_BUFFERS: BatchBuffers = {
  text: Buffer.alloc(0),
  ends: new Uint32Array(0),
  keys: Buffer.alloc(0),
  keyEnds: new Uint32Array(0),
  states: new Uint8Array(0),
  prints: new Uint32Array(0),
  packed: new SegmentBuilder(0),
}

/** Makes room for a text of that length, of which `used` bytes are there. */
export function growText(buffers: BatchBuffers, used: number, length: number): void {
  if (length > buffers.text.length) buffers.text = larger(buffers.text, used, length)
}

/** The same for keys. */
export function growKeys(buffers: BatchBuffers, used: number, length: number): void {
  if (length > buffers.keys.length) buffers.keys = larger(buffers.keys, used, length)
}

/** Makes room for so many changes. */
export function growChanges(buffers: BatchBuffers, count: number): void {
  let most = buffers.ends.length
  if (count <= most) return
  while (most < count) most *= 2
  const grown = <Words extends Uint32Array | Uint8Array>(words: Words, length: number): Words => {
    const more = new (words.constructor as new (length: number) => Words)(length)
    more.set(words)
    return more
  }
  buffers.ends = grown(buffers.ends, most)
  buffers.keyEnds = grown(buffers.keyEnds, most)
  buffers.states = grown(buffers.states, most)
  buffers.prints = grown(buffers.prints, most * 4)
}

function larger(bytes: Buffer, used: number, length: number): Buffer {
  const more = Buffer.allocUnsafe(Math.max(bytes.length * 2, length))
  bytes.copy(more, 0, 0, used)
  return more
}
