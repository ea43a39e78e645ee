import { FINGERPRINT_KERNEL } from './fingerprint-kernel.ts'

/**
 * 64 bits of murmur3 x64 128. A fingerprint is only ever compared with the earlier fingerprint of the same key, so a
 * change is missed with a chance of 2^-64 per changed row; it is no defence against somebody who chooses row contents
 * on purpose. One of the hot files: node:crypto costs more for one row than the whole pipeline may, and JavaScript
 * has no 64-bit multiplication, so the function itself is WebAssembly (fingerprint.wat).
 */

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer }
  begin(high: number, low: number): void
  take(at: number, end: number): number
  end(at: number, rest: number, length: number, out: number): void
  rows(base: number, offsets: number, count: number, high: number, low: number, out: number): void
}

// Neither the lib of ES2023 nor the types of Node 20 know WebAssembly.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** Most bytes and rows that are copied into the kernel's memory at once. */
const WINDOW_BYTES = 128 * 1024
const WINDOW_ROWS = 8 * 1024
/** Behind the bytes: the kernel reads up to 15 bytes beyond a row. */
const OFFSETS_AT = WINDOW_BYTES + 64
const PRINTS_AT = OFFSETS_AT + WINDOW_ROWS * 4 + 64

// Scratch memory of this thread: nothing is kept in it from one call to the next.
const kernel = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(FINGERPRINT_KERNEL, 'base64')))
  .exports as Kernel
const BYTES = new Uint8Array(kernel.memory.buffer, 0, WINDOW_BYTES)
const OFFSETS = new Uint32Array(kernel.memory.buffer, OFFSETS_AT, WINDOW_ROWS + 1)
const PRINTS = new Uint32Array(kernel.memory.buffer, PRINTS_AT, WINDOW_ROWS * 2)

/**
 * Hashes `count` rows, each `bytes[offsets[row] .. offsets[row + 1])`, into the two words `out[2 * row]` (high) and
 * `out[2 * row + 1]` (low). Never 0/0, which stands for "content unknown" in the key index.
 */
export function fingerprintRows(
  bytes: Uint8Array,
  offsets: Uint32Array,
  count: number,
  seedHigh: number,
  seedLow: number,
  out: Uint32Array,
): void {
  for (let row = 0; row < count; ) {
    const start = offsets[row] as number
    let to = Math.min(count, row + WINDOW_ROWS)
    while (to > row && (offsets[to] as number) - start > WINDOW_BYTES) to = row + ((to - row) >> 1)
    if (to === row) {
      fingerprint(bytes, start, offsets[row + 1] as number, seedHigh, seedLow, out, row * 2)
      row++
      continue
    }
    BYTES.set(bytes.subarray(start, offsets[to] as number))
    OFFSETS.set(offsets.subarray(row, to + 1))
    // The offsets stay as they are: `base` brings them to where the bytes are now.
    kernel.rows(-start, OFFSETS_AT, to - row, seedHigh, seedLow, PRINTS_AT)
    out.set(PRINTS.subarray(0, (to - row) * 2), row * 2)
    row = to
  }
}

/** Hashes `bytes[start .. end)`, however long, into `out[at]` (high) and `out[at + 1]` (low). */
export function fingerprint(
  bytes: Uint8Array,
  start: number,
  end: number,
  seedHigh: number,
  seedLow: number,
  out: Uint32Array,
  at: number,
): void {
  kernel.begin(seedHigh, seedLow)
  let from = start
  let taken = 0
  for (let size = WINDOW_BYTES; size === WINDOW_BYTES && from < end; ) {
    size = Math.min(WINDOW_BYTES, end - from)
    BYTES.set(bytes.subarray(from, from + size))
    taken = kernel.take(0, size)
    from += taken
  }
  kernel.end(taken, end - from, end - start, PRINTS_AT)
  out[at] = PRINTS[0] as number
  out[at + 1] = PRINTS[1] as number
}
