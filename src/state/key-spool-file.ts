import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Segment } from '../core/key-entry.ts'
import type { KeySpool } from '../core/key-spool.ts'
import { createPrivately, stateError } from './state-file.ts'

/** Spools kept in memory up to this many bytes: most runs delete little. */
const MEMORY_BYTES = 1024 * 1024

/** A key spool in memory that moves to a file of the state folder when it grows. The file has no name once open. */
export class KeySpoolFile implements KeySpool {
  readonly #folder: string
  readonly #sync: string
  #memory: Segment[] = []
  #memoryBytes = 0
  /** Length and count of each segment in the file, in order. */
  readonly #written: { readonly length: number; readonly count: number }[] = []
  #file: number | undefined
  #count = 0

  constructor(folder: string, sync: string) {
    this.#folder = folder
    this.#sync = sync
  }

  get count(): number {
    return this.#count
  }

  append(segment: Segment): void {
    this.#count += segment.count
    this.#memory.push(segment)
    this.#memoryBytes += segment.bytes.length
    if (this.#memoryBytes > MEMORY_BYTES) this.#spill()
  }

  *read(): Iterable<Segment> {
    let position = 0
    for (const { length, count } of this.#written) {
      const bytes = Buffer.allocUnsafe(length)
      if (readSync(this.#file as number, bytes, 0, length, position) !== length) {
        throw new Error('the spool of deletes was cut short; nothing of it was sent')
      }
      position += length
      yield { bytes, count }
    }
    yield* this.#memory
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #spill(): void {
    const path = join(this.#folder, `${this.#sync}.deletes`)
    try {
      if (this.#file === undefined) {
        createPrivately(path)
        this.#file = openSync(path, 'w+')
        // Without a name it ends with the process, however that ends. Windows keeps the name until the next run.
        if (process.platform !== 'win32') unlinkSync(path)
      }
      for (const { bytes, count } of this.#memory) {
        writeSync(this.#file, bytes)
        this.#written.push({ length: bytes.length, count })
      }
    } catch (error) {
      throw stateError(error, path, this.#sync)
    }
    this.#memory = []
    this.#memoryBytes = 0
  }
}
