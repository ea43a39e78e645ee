import { frameLength, HEADER_BYTES } from './postgres-frames.ts'

/** What the bytes of a query's answer are taken apart into. */
export interface RowFrameSink {
  /** Whole lines of COPY text; the buffer is given away. */
  lines(bytes: Buffer): void
  /** Every message that is no row, or a part of it. */
  aside(bytes: Buffer): void
  /** The row after those given is larger than it may be. Nothing is walked after it. */
  tooLarge(): void
}

const DATA_ROW = 0x44 // D
const NOTHING = Buffer.alloc(0)
/** Lines are handed on when there are this many bytes of them. */
const BATCH_BYTES = 48 * 1024
const TAB = 9
const NEWLINE = 10
const BACKSLASH = 92
const CAPITAL_N = 78
/** The letter behind the backslash for bytes 8 to 13 in COPY text. */
const LETTERS = [98, 116, 110, 118, 102, 114]

/**
 * Turns the row messages of a query's answer into the lines that COPY would have sent, however they are cut into chunks,
 * and lets everything else through. One of the hot files: by pg's own way each value becomes a string and each row an
 * array, which costs ten times as much, half of it in the garbage collector.
 */
export class RowFrames {
  readonly #sink: RowFrameSink
  readonly #mostBytes: number
  /** What has come of a message that is not whole, and how long it will be; 0 while its header is not whole either. */
  #pieces: Buffer[] = []
  #size = 0
  #needed = 0
  /** Bytes of a message that is no row still to let through. */
  #aside = 0
  #out = NOTHING
  #at = 0
  #rows = 0

  constructor(sink: RowFrameSink, mostBytes: number) {
    this.#sink = sink
    this.#mostBytes = mostBytes
  }

  /** How many rows there were so far. */
  get rows(): number {
    return this.#rows
  }

  walk(chunk: Buffer): void {
    let bytes = chunk
    if (this.#size > 0) {
      this.#pieces.push(chunk)
      this.#size += chunk.length
      // Joined once, however large the row is: not until all of it is there.
      if (this.#size < this.#needed) return
      bytes = Buffer.concat(this.#pieces, this.#size)
      this.#pieces = []
      this.#size = 0
    }
    let at = 0
    while (at < bytes.length) {
      if (this.#aside > 0) {
        const size = Math.min(this.#aside, bytes.length - at)
        this.#aside -= size
        this.#sink.aside(bytes.subarray(at, at + size))
        at += size
        continue
      }
      if (at + HEADER_BYTES > bytes.length) {
        this.#keep(bytes, at, 0)
        return
      }
      const length = frameLength(bytes, at)
      if (bytes[at] !== DATA_ROW) {
        this.flush()
        this.#aside = length
        continue
      }
      if (length > this.#mostBytes) {
        this.flush()
        this.#sink.tooLarge()
        return
      }
      if (at + length > bytes.length) {
        this.#keep(bytes, at, length)
        return
      }
      this.#writeRow(bytes, at, length)
      at += length
    }
  }

  /** Hands on the lines that wait for more. */
  flush(): void {
    if (this.#at === 0) return
    const lines = this.#out.subarray(0, this.#at)
    this.#out = NOTHING
    this.#at = 0
    this.#sink.lines(lines)
  }

  #keep(bytes: Buffer, at: number, needed: number): void {
    this.#pieces = [bytes.subarray(at)]
    this.#size = bytes.length - at
    this.#needed = needed
  }

  #writeRow(bytes: Buffer, from: number, length: number): void {
    // Every byte may need a backslash, and every null, of four bytes here, is two and a tab there.
    const needed = length * 2
    if (this.#at + needed > this.#out.length) {
      this.flush()
      this.#out = Buffer.allocUnsafe(Math.max(BATCH_BYTES + 16 * 1024, needed))
    }
    const out = this.#out
    let at = this.#at
    const fields = ((bytes[from + HEADER_BYTES] as number) << 8) | (bytes[from + HEADER_BYTES + 1] as number)
    let next = from + HEADER_BYTES + 2
    for (let field = 0; field < fields; field++) {
      if (field > 0) out[at++] = TAB
      // The four bytes before this are what a header has behind its type.
      const size = frameLength(bytes, next - 1) - 1
      next += 4
      if (size < 0) {
        out[at++] = BACKSLASH
        out[at++] = CAPITAL_N
        continue
      }
      for (const end = next + size; next < end; next++) {
        const byte = bytes[next] as number
        if (byte > 13 && byte !== BACKSLASH) {
          out[at++] = byte
        } else if (byte === BACKSLASH || byte >= 8) {
          out[at++] = BACKSLASH
          out[at++] = byte === BACKSLASH ? BACKSLASH : (LETTERS[byte - 8] as number)
        } else {
          out[at++] = byte
        }
      }
    }
    out[at++] = NEWLINE
    this.#at = at
    this.#rows++
    if (at >= BATCH_BYTES) this.flush()
  }
}
