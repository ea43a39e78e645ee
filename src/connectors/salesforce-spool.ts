import { closeSync, mkdtempSync, openSync, read, readSync, rmdirSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { FatalError, messageOf } from '../core/errors.ts'

const CHUNK = 256 * 1024

const readAt = promisify(read)

/**
 * Text that is too much for memory (the CSV of a job, what was said of its rows), in a temporary file that only this user
 * can read and that has no name once it is open, so that it ends with the process, however that ends. Windows keeps the
 * name until it is disposed of.
 */
export class TextSpool implements Disposable {
  readonly #file: number
  readonly #folder: string | undefined
  #buffer: string[] = []
  #buffered = 0
  #written = 0

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'rowferry-job-'))
    const path = join(folder, 'rows.csv')
    this.#file = openSync(path, 'wx+', 0o600)
    this.#folder = process.platform === 'win32' ? folder : undefined
    if (this.#folder !== undefined) return
    unlinkSync(path)
    rmdirSync(folder)
  }

  /** Bytes so far. */
  get length(): number {
    return this.#written + this.#buffered
  }

  /** Throws FatalError `disk_full` where the disk does not take it. */
  append(text: string): void {
    this.#buffer.push(text)
    this.#buffered += Buffer.byteLength(text)
    if (this.#buffered >= CHUNK) this.#write()
  }

  /** The text of so many bytes from there on. */
  text(from: number, length: number): string {
    if (from + length > this.#written) this.#write()
    const bytes = Buffer.allocUnsafe(length)
    for (let at = 0; at < length; ) {
      const count = readSync(this.#file, bytes, at, length - at, from + at)
      if (count === 0) throw cutShort()
      at += count
    }
    return bytes.toString()
  }

  /** All of it, from its first byte; may be read again. */
  async *chunks(): AsyncGenerator<Buffer> {
    this.#write()
    for (let at = 0; at < this.#written; ) {
      const into = Buffer.allocUnsafe(Math.min(CHUNK, this.#written - at))
      const { bytesRead } = await readAt(this.#file, into, 0, into.length, at)
      if (bytesRead === 0) throw cutShort()
      at += bytesRead
      yield into.subarray(0, bytesRead)
    }
  }

  #write(): void {
    const bytes = Buffer.from(this.#buffer.join(''))
    this.#buffer = []
    this.#buffered = 0
    try {
      for (let from = 0; from < bytes.length; )
        from += writeSync(this.#file, bytes, from, undefined, this.#written + from)
    } catch (error) {
      const message = `the rows of a job do not fit into ${tmpdir()} (${messageOf(error)}): make room, or set TMPDIR to another folder`
      throw new FatalError('disk_full', message, { cause: error })
    }
    this.#written += bytes.length
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }
}

function cutShort(): Error {
  return new Error('a temporary file was cut short while it was in use')
}
