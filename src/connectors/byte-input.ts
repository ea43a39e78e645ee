import type { Readable } from 'node:stream'
import { FatalError, messageOf } from '../core/errors.ts'
import type { GzipEnd } from './end-of-input.ts'
import { gunzip, isGzip } from './gunzip.ts'

/**
 * The bytes of a stream, as text in whole characters of UTF-8: decompressed where they are gzip, without a byte order
 * mark. What was looked at ahead is given again by `next`. Throws FatalError where the stream fails: an error never
 * looks like an end.
 */
export class ByteInput implements AsyncDisposable {
  readonly #name: string
  readonly #stream: Readable
  #chunks: AsyncIterator<Buffer> | undefined
  readonly #ahead: Buffer[] = []
  #aheadBytes = 0
  /** The beginning of a character whose end is in the next chunk. */
  #begun: Buffer = Buffer.alloc(0)
  #isFirst = true
  #ended = false
  #gzip: (() => GzipEnd) | undefined

  constructor(name: string, stream: Readable) {
    this.#name = name
    this.#stream = stream
    // Whoever reads gets the error; nobody may be reading yet.
    stream.on('error', () => {})
  }

  /** Known at the end. Undefined where the input is not compressed. */
  get gzip(): GzipEnd | undefined {
    return this.#gzip?.()
  }

  get aheadBytes(): number {
    return this.#aheadBytes
  }

  /** The chunks from the first one on, one a call, which `next` will give again. */
  lookAhead(): () => Promise<Buffer | undefined> {
    let index = 0
    return async () => {
      if (index === this.#ahead.length) {
        const chunk = await this.#pull()
        if (chunk === undefined) return undefined
        this.#ahead.push(chunk)
        this.#aheadBytes += chunk.length
      }
      return this.#ahead[index++]
    }
  }

  /** The next chunk; undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const chunk = this.#ahead.shift()
    if (chunk === undefined) return await this.#pull()
    this.#aheadBytes -= chunk.length
    return chunk
  }

  /** Ends the stream, whoever waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true
    this.#stream.destroy()
  }

  async #pull(): Promise<Buffer | undefined> {
    while (!this.#ended) {
      const chunk = await this.#raw()
      this.#ended ||= chunk === undefined
      const text = this.#wholeCharacters(chunk ?? Buffer.alloc(0))
      if (text.length > 0) return text
    }
    return undefined
  }

  async #raw(): Promise<Buffer | undefined> {
    try {
      this.#chunks ??= await this.#open()
      const { value, done } = await this.#chunks.next()
      return done === true ? undefined : value
    } catch (error) {
      if (this.#ended) return undefined
      throw this.#explained(error)
    }
  }

  async #open(): Promise<AsyncIterator<Buffer>> {
    const chunks = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    let first = Buffer.alloc(0)
    // Four bytes tell gzip, byte order marks and UTF-16 from text.
    while (first.length < 4) {
      const { value, done } = await chunks.next()
      if (done === true) break
      first = first.length === 0 ? Buffer.from(value) : Buffer.concat([first, value])
    }
    const all = startingWith(first, chunks)
    if (!isGzip(first)) return all
    const { text, end } = gunzip(all)
    this.#gzip = end
    return text
  }

  #wholeCharacters(chunk: Buffer): Buffer {
    let bytes = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk])
    this.#begun = Buffer.alloc(0)
    if (this.#isFirst) {
      if (bytes.length < 4 && !this.#ended) {
        this.#begun = bytes
        return Buffer.alloc(0)
      }
      this.#isFirst = false
      requireText(bytes, this.#name)
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3)
    }
    // What is cut off at the end is no UTF-8, and whoever reads it will find that.
    const end = this.#ended ? bytes.length : endOfCharacters(bytes)
    this.#begun = Buffer.from(bytes.subarray(end))
    return bytes.subarray(0, end)
  }

  #explained(error: unknown): FatalError {
    if (error instanceof FatalError) return error
    const { code } = error as NodeJS.ErrnoException
    const reason = code === undefined ? messageOf(error) : `${code}: ${messageOf(error)}`
    return new FatalError(
      'input_failed',
      `${this.#name} cannot be read any further (${reason}): look at what writes it, and run again`,
      { cause: error },
    )
  }
}

async function* startingWith(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

/** Throws FatalError `not_utf8` where this is the beginning of UTF-16. */
function requireText(bytes: Buffer, name: string): void {
  const mark = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0
  const isUtf16 = mark === 0xfffe || mark === 0xfeff || (bytes.length >= 2 && (bytes[0] === 0) !== (bytes[1] === 0))
  if (!isUtf16) return
  throw new FatalError(
    'not_utf8',
    `${name} is UTF-16: write it as UTF-8 (in PowerShell: | Out-File -Encoding utf8), or convert it with iconv first`,
  )
}

/** Where the last whole character ends; what follows is the beginning of one. Bytes that are no UTF-8 count as whole. */
function endOfCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) break
    if (byte < 0xc0) continue
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return size > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}
