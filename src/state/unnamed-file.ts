import { closeSync, mkdirSync, openSync, readSync, rmdirSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ScratchFile } from '../core/scratch-file.ts'
import { createPrivately, stateError } from './state-file.ts'

/**
 * A scratch file in the state folder that has no name once it is open (0600 until then), so that it ends with the
 * process, however that ends. Windows keeps the name until it is disposed of. A folder that had to be made for it is
 * taken away again: a dry run leaves nothing behind.
 */
export class UnnamedFile implements ScratchFile {
  readonly #path: string
  readonly #sync: string
  #file: number | undefined
  #length = 0

  /** Throws FatalError where the folder cannot be written to. */
  constructor(path: string, sync: string) {
    this.#path = path
    this.#sync = sync
    try {
      const made = mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      createPrivately(path)
      this.#file = openSync(path, 'w+')
      if (process.platform === 'win32') return
      unlinkSync(path)
      if (made !== undefined) removeFolders(dirname(path), made)
    } catch (error) {
      throw stateError(error, path, sync)
    }
  }

  get length(): number {
    return this.#length
  }

  append(bytes: Uint8Array): void {
    try {
      // A disk that is nearly full takes a part of it without an error.
      for (let from = 0; from < bytes.length; ) {
        from += writeSync(this.#file as number, bytes, from, bytes.length - from, this.#length + from)
      }
    } catch (error) {
      throw stateError(error, this.#path, this.#sync)
    }
    this.#length += bytes.length
  }

  read(into: Uint8Array, position: number): void {
    for (let at = 0; at < into.length; ) {
      const count = readSync(this.#file as number, into, at, into.length - at, position + at)
      if (count === 0) throw new Error(`${this.#path} was cut short while it was in use; nothing of it was sent`)
      at += count
    }
  }

  [Symbol.dispose](): void {
    if (this.#file === undefined) return
    closeSync(this.#file)
    this.#file = undefined
    if (process.platform === 'win32') unlinkSync(this.#path)
  }
}

/** Removes the empty folder `from` and those above it, up to `to`. */
function removeFolders(from: string, to: string): void {
  rmdirSync(from)
  if (from !== to && from !== dirname(from)) removeFolders(dirname(from), to)
}
