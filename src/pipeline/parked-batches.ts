import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import { decodeRow } from '../core/copy-text.ts'
import type { ScratchFile } from '../core/scratch-file.ts'
import { type BatchBuffers, batchBuffers } from './batch-buffers.ts'
import type { Claim } from './claims.ts'

/** So large a file takes no further batch: the disk gets it back when the last of its batches is answered. */
const FILE_BYTES = 64 * 1024 * 1024

/** What a batch consists of. */
export interface BatchContent {
  readonly count: number
  readonly text: Uint8Array
  readonly ends: Uint32Array
  readonly keys: Uint8Array
  readonly keyEnds: Uint32Array
  readonly states: Uint8Array
  readonly prints: Uint32Array
  readonly claims: readonly Claim[]
  readonly ids: readonly (string | undefined)[] | undefined
}

type Part = Exclude<keyof BatchContent, 'count'>

/** A batch on the disk: where its parts lie. */
export interface ParkedBatch {
  readonly file: { readonly scratch: ScratchFile; batches: number }
  readonly count: number
  readonly parts: Readonly<Record<Part, { readonly start: number; readonly length: number }>>
}

/** The changes of a batch, without what only the index needs. */
interface Lines {
  readonly of: ParkedBatch
  readonly text: Buffer
  readonly ends: Uint32Array
  readonly ids: readonly (string | undefined)[]
}

/**
 * Batches that wait for a destination which gathers them by the hundreds: on the disk, so that memory does not depend on
 * how many there are. One of them at a time is in memory, while its changes are looked at.
 */
export class ParkedBatches {
  readonly #open: () => ScratchFile
  /** What batches that were put aside have left, for those that are filled next. */
  readonly #spare: BatchBuffers[] = []
  #file: { readonly scratch: ScratchFile; batches: number } | undefined
  #lines: Lines | undefined
  #text = Buffer.alloc(0)

  /** `open` makes an empty file. */
  constructor(open: () => ScratchFile) {
    this.#open = open
  }

  buffers(): BatchBuffers {
    return this.#spare.pop() ?? batchBuffers()
  }

  giveBack(buffers: BatchBuffers): void {
    this.#spare.push(buffers)
  }

  /** Throws FatalError where the disk does not take it. */
  put(content: BatchContent): ParkedBatch {
    if (this.#file === undefined || this.#file.scratch.length >= FILE_BYTES)
      this.#file = { scratch: this.#open(), batches: 0 }
    const file = this.#file
    const { text, ends, keys, keyEnds, states, prints } = content
    const bytes: Readonly<Record<Part, Uint8Array>> = {
      text,
      ends: bytesOf(ends),
      keys,
      keyEnds: bytesOf(keyEnds),
      states,
      prints: bytesOf(prints),
      claims: Buffer.from(JSON.stringify(content.claims)),
      ids: Buffer.from(JSON.stringify(content.ids ?? null)),
    }
    const start = (part: Part) => {
      const at = file.scratch.length
      file.scratch.append(bytes[part])
      return { start: at, length: bytes[part].length }
    }
    const parts = {
      text: start('text'),
      ends: start('ends'),
      ids: start('ids'),
      keys: start('keys'),
      keyEnds: start('keyEnds'),
      states: start('states'),
      prints: start('prints'),
      claims: start('claims'),
    }
    file.batches++
    return { file, count: content.count, parts }
  }

  /** Reads a batch into buffers that are large enough. */
  fill(parked: ParkedBatch, { text, ends, keys, keyEnds, states, prints }: BatchBuffers): void {
    this.#read(parked, 'text', text)
    this.#read(parked, 'ends', bytesOf(ends))
    this.#read(parked, 'keys', keys)
    this.#read(parked, 'keyEnds', bytesOf(keyEnds))
    this.#read(parked, 'states', states)
    this.#read(parked, 'prints', bytesOf(prints))
  }

  claims(parked: ParkedBatch): Claim[] {
    return this.#json(parked, 'claims') as Claim[]
  }

  ids(parked: ParkedBatch): (string | undefined)[] | undefined {
    const ids = this.#json(parked, 'ids') as (string | null)[] | null
    return ids?.map((id) => id ?? undefined)
  }

  /** Forgets a batch. What was given of its changes may not be looked at any more. */
  release(parked: ParkedBatch): void {
    if (this.#lines?.of === parked) this.#lines = undefined
    const { file } = parked
    file.batches--
    if (file.batches > 0) return
    file.scratch[Symbol.dispose]()
    if (this.#file === file) this.#file = undefined
  }

  /** Chosen changes of a batch as the destination gets them, each read when it is looked at. */
  changes(parked: ParkedBatch, operation: Operation, fields: readonly Field[], indices: Indices): ChangeBatch {
    const { count, at } = indices
    const lines = () => this.#linesOf(parked)
    const line = ({ text, ends }: Lines, index: number): [Buffer, number, number] => {
      const place = at(index)
      return [text, place === 0 ? 0 : (ends[place - 1] as number), ends[place] as number]
    }
    return {
      operation,
      fields,
      count,
      values: (index) => decodeRow(...line(lines(), index)),
      get text() {
        const all = lines()
        const bytes = Array.from({ length: count }, (_, index) => {
          const [text, start, end] = line(all, index)
          return text.subarray(start, end)
        })
        return Buffer.concat(bytes)
      },
      get ends() {
        const all = lines()
        const ends = new Uint32Array(count)
        for (let index = 0, end = 0; index < count; index++) {
          const [, start, stop] = line(all, index)
          end += stop - start
          ends[index] = end
        }
        return ends
      },
      get ids() {
        const { ids } = lines()
        return Array.from({ length: count }, (_, index) => ids[at(index)])
      },
    }
  }

  #linesOf(parked: ParkedBatch): Lines {
    if (this.#lines?.of === parked) return this.#lines
    const { length } = parked.parts.text
    if (length > this.#text.length) this.#text = Buffer.allocUnsafe(length)
    const ends = new Uint32Array(parked.count)
    this.#read(parked, 'text', this.#text)
    this.#read(parked, 'ends', bytesOf(ends))
    this.#lines = { of: parked, text: this.#text, ends, ids: this.ids(parked) ?? [] }
    return this.#lines
  }

  #json(parked: ParkedBatch, part: Part): unknown {
    const bytes = Buffer.allocUnsafe(parked.parts[part].length)
    this.#read(parked, part, bytes)
    return JSON.parse(bytes.toString())
  }

  #read({ file, parts }: ParkedBatch, part: Part, into: Uint8Array): void {
    const { start, length } = parts[part]
    file.scratch.read(into.subarray(0, length), start)
  }
}

/** Changes of a batch, by number. */
export interface Indices {
  readonly count: number
  at(index: number): number
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}
