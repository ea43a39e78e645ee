import { encodeField } from '../core/copy-text.ts'
import type { RowBatch, UnreadableRow } from '../core/row-batch.ts'

const BATCH_BYTES = 64 * 1024
/** Unreadable rows that may wait for a batch: each keeps its text. */
const MOST_UNREADABLE = 500

const BACKSLASH = 92
/** The letter behind the backslash for bytes 8 to 13 in COPY text. */
const LETTERS = [98, 116, 110, 118, 102, 114]

/** Lines of COPY text under construction. Bytes are written at `at`, for which room was made before. */
export class CopyLines {
  bytes = Buffer.alloc(0)
  at = 0
  #offsets = new Uint32Array(1025)
  #count = 0
  #unreadable: UnreadableRow[] = []

  /** Whether there is enough for a batch. */
  get isFull(): boolean {
    return this.at >= BATCH_BYTES || this.#unreadable.length >= MOST_UNREADABLE
  }

  /** Makes room for so many more bytes. */
  reserve(size: number): void {
    if (this.at + size <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(BATCH_BYTES + 8192, (this.at + size) * 2))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  /** Ends the current line. */
  end(): void {
    this.bytes[this.at++] = 10
    this.#count++
    if (this.#count === this.#offsets.length) {
      const more = new Uint32Array(this.#offsets.length * 2)
      more.set(this.#offsets)
      this.#offsets = more
    }
    this.#offsets[this.#count] = this.at
  }

  /** Forgets what was written of the current line. */
  drop(): void {
    this.at = this.#offsets[this.#count] as number
  }

  unreadable(row: UnreadableRow): void {
    this.#unreadable.push(row)
  }

  /** Writes a field from a string. Makes room itself. */
  text(value: string): void {
    const encoded = encodeField(value)
    this.reserve(encoded.length * 3)
    this.at += this.bytes.write(encoded, this.at)
  }

  /** All there is as a batch. */
  take(): RowBatch {
    const bytes = this.bytes.subarray(0, this.at)
    const batch = { bytes, offsets: this.#offsets.slice(0, this.#count + 1), count: this.#count }
    const invalid = this.#unreadable
    this.bytes = Buffer.alloc(0)
    this.at = 0
    this.#count = 0
    this.#unreadable = []
    return invalid.length === 0 ? batch : { ...batch, invalid }
  }
}

/** Writes one byte of text as COPY text and returns the position behind it. */
export function writeEscaped(byte: number, out: Buffer, at: number): number {
  if (byte === BACKSLASH) {
    out[at] = BACKSLASH
    out[at + 1] = BACKSLASH
    return at + 2
  }
  if (byte > 13 || byte < 8) {
    out[at] = byte
    return at + 1
  }
  out[at] = BACKSLASH
  out[at + 1] = LETTERS[byte - 8] as number
  return at + 2
}

/** Writes `bytes[from .. to)` as COPY text and returns the position behind it. */
export function copyEscaped(bytes: Buffer, from: number, to: number, out: Buffer, at: number): number {
  let next = at
  for (let index = from; index < to; index++) next = writeEscaped(bytes[index] as number, out, next)
  return next
}

/** Writes `bytes[from .. to)`, in which nothing needs an escape. */
export function copyPlain(bytes: Buffer, from: number, to: number, out: Buffer, at: number): number {
  if (to - from > 200) {
    bytes.copy(out, at, from, to)
    return at + to - from
  }
  let next = at
  for (let index = from; index < to; index++) out[next++] = bytes[index] as number
  return next
}

/** Writes a null. */
export function writeNull(out: Buffer, at: number): number {
  out[at] = BACKSLASH
  out[at + 1] = 78
  return at + 2
}
