import { compareKeys } from '../core/key.ts'
import type { ScratchFile } from '../core/scratch-file.ts'
import { copyBytes, ENTRY_HEADER, writeHeader } from './row-arena.ts'

/** A row on its way out of the sort: `bytes[keyStart .. keyEnd)` is its key, `bytes[keyEnd .. end)` its line. */
export interface SortedRow {
  readonly bytes: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly end: number
}

/** Entries in key order, in one piece of a file. */
export interface SortedRun {
  readonly file: ScratchFile
  readonly start: number
  readonly end: number
}

/** More runs than this are merged into fewer first: each needs a read buffer of a useful size. */
const MOST_WAYS = 64

export interface MergeOptions {
  /** Memory for read buffers; its content is lost. */
  readonly memory: Buffer
  /** Bytes of the largest entry. */
  readonly largest: number
  /** A file for the runs of the next pass. */
  readonly open: () => ScratchFile
}

/**
 * Merges sorted runs, the rows of equal keys in the order of their runs. Files of earlier passes are disposed of as
 * soon as they are read. The row is the same object each time, valid until the next.
 */
export function mergeRuns(runs: readonly SortedRun[], options: MergeOptions): Iterable<SortedRow> {
  const ways = Math.max(2, Math.min(MOST_WAYS, Math.floor(options.memory.length / options.largest)))
  let left = runs
  while (left.length > ways) left = mergePass(left, ways, options)
  return mergeGroup(left, options)
}

/** One pass over everything: `ways` runs become one. */
function mergePass(runs: readonly SortedRun[], ways: number, options: MergeOptions): SortedRun[] {
  const file = options.open()
  const merged: SortedRun[] = []
  const staging = Buffer.allocUnsafe(Math.max(256 * 1024, options.largest))
  for (let from = 0; from < runs.length; from += ways) {
    const start = file.length
    let at = 0
    for (const { bytes, keyStart, keyEnd, end } of mergeGroup(runs.slice(from, from + ways), options)) {
      if (at + ENTRY_HEADER + end - keyStart > staging.length) {
        file.append(staging.subarray(0, at))
        at = 0
      }
      at = writeHeader(staging, at, keyEnd - keyStart, end - keyEnd)
      at = copyBytes(bytes, keyStart, end, staging, at)
    }
    file.append(staging.subarray(0, at))
    merged.push({ file, start, end: file.length })
  }
  for (const done of new Set(runs.map((run) => run.file))) done[Symbol.dispose]()
  return merged
}

function* mergeGroup(runs: readonly SortedRun[], { memory, largest }: MergeOptions): Iterable<SortedRow> {
  const share = Math.floor(memory.length / runs.length)
  const readers = runs.map((run, index) => {
    // Two rows that fill the memory each: the one case in which more is taken than was given.
    const buffer = share < largest ? Buffer.allocUnsafe(largest) : memory.subarray(index * share, (index + 1) * share)
    return new RunReader(run, index, buffer)
  })
  const heap = readers.filter((reader) => reader.next())
  for (let index = (heap.length >>> 1) - 1; index >= 0; index--) siftDown(heap, index)
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    yield top
    if (!top.next()) {
      const last = heap.pop() as RunReader
      if (heap.length === 0) return
      if (last !== top) heap[0] = last
    }
    siftDown(heap, 0)
  }
}

function siftDown(heap: RunReader[], from: number): void {
  const moving = heap[from] as RunReader
  let at = from
  for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && isBefore(heap[child + 1] as RunReader, heap[child] as RunReader)) child++
    if (!isBefore(heap[child] as RunReader, moving)) break
    heap[at] = heap[child] as RunReader
    at = child
  }
  heap[at] = moving
}

function isBefore(a: RunReader, b: RunReader): boolean {
  const order = compareKeys(a.bytes, a.keyStart, a.keyEnd, b.bytes, b.keyStart, b.keyEnd)
  return order < 0 || (order === 0 && a.number < b.number)
}

/** Walks the entries of one run through a buffer that holds at least the largest of them. */
class RunReader implements SortedRow {
  readonly number: number
  readonly bytes: Buffer
  keyStart = 0
  keyEnd = 0
  end = 0
  readonly #run: SortedRun
  /** What of the run is not yet in the buffer begins here. */
  #position: number
  #filled = 0

  constructor(run: SortedRun, number: number, buffer: Buffer) {
    this.#run = run
    this.#position = run.start
    this.number = number
    this.bytes = buffer
  }

  next(): boolean {
    const { bytes } = this
    let at = this.end
    if (this.#filled - at < ENTRY_HEADER || this.#filled - at < sizeAt(bytes, at)) {
      if (at === this.#filled && this.#position === this.#run.end) return false
      this.#fill(at)
      at = 0
    }
    this.keyStart = at + ENTRY_HEADER
    this.keyEnd = this.keyStart + keyBytesAt(bytes, at)
    this.end = at + sizeAt(bytes, at)
    return true
  }

  /** Moves what is left from `from` on to the front and reads on behind it. */
  #fill(from: number): void {
    const left = this.bytes.copy(this.bytes, 0, from, this.#filled)
    const count = Math.min(this.bytes.length - left, this.#run.end - this.#position)
    this.#run.file.read(this.bytes.subarray(left, left + count), this.#position)
    this.#position += count
    this.#filled = left + count
  }
}

function keyBytesAt(bytes: Buffer, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
}

function sizeAt(bytes: Buffer, at: number): number {
  const line =
    (bytes[at + 2] as number) |
    ((bytes[at + 3] as number) << 8) |
    ((bytes[at + 4] as number) << 16) |
    ((bytes[at + 5] as number) << 24)
  return ENTRY_HEADER + keyBytesAt(bytes, at) + line
}
