import { isUtf8 } from 'node:buffer'
import { FatalError } from '../core/errors.ts'

/** Largest row of stdin or a file, in bytes as written. A larger one is a mistake more often than data. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024

/**
 * Joins what was left of the chunks before with the next one. A row that is longer than a chunk is looked at again
 * only when twice as much of it is there: otherwise the cost of long rows would grow with their square.
 */
export class PendingBytes {
  #parts: Buffer[] = []
  #length = 0
  #wanted = 0

  /** Bytes that wait. */
  get length(): number {
    return this.#length
  }

  /** Everything there is; undefined as long as it is not worth another look. */
  join(chunk: Buffer): Buffer | undefined {
    this.#parts.push(chunk)
    this.#length += chunk.length
    if (this.#length < this.#wanted && this.#length <= MAX_LINE_BYTES) return undefined
    return this.take()
  }

  /** Everything there is, which is then no longer here. */
  take(): Buffer {
    const [first = Buffer.alloc(0)] = this.#parts
    const all = this.#parts.length > 1 ? Buffer.concat(this.#parts, this.#length) : first
    this.#parts = []
    this.#length = 0
    return all
  }

  /** Keeps the beginning of a row that is not there yet. */
  keep(rest: Buffer): void {
    this.#parts = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
    this.#wanted = rest.length < 64 * 1024 ? 0 : rest.length * 2
  }
}

/** Throws FatalError `not_utf8` that names the line; `line` is the number of the first one in `bytes`. */
export function requireUtf8(bytes: Buffer, line: number, name: string): void {
  if (isUtf8(bytes)) return
  let number = line
  for (let from = 0; from < bytes.length; number++) {
    const newline = bytes.indexOf(10, from)
    const to = newline < 0 ? bytes.length : newline
    if (!isUtf8(bytes.subarray(from, to))) break
    from = to + 1
  }
  throw new FatalError(
    'not_utf8',
    `line ${number} of ${name} is not UTF-8: convert it first, for example with iconv -f latin1 -t utf-8`,
  )
}
