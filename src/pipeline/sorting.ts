import { Duplex } from 'node:stream'
import { KeyEncoder } from '../core/key.ts'
import type { EndOfModel, RowBatch, RowLayout } from '../core/row-batch.ts'
import type { ScratchFile } from '../core/scratch-file.ts'
import { ARENA_FULL, RowArena } from './row-arena.ts'
import { mergeRuns, type SortedRow, type SortedRun } from './row-merge.ts'
import { RowPacker } from './row-packer.ts'

export interface SortingOptions {
  /** A file for what does not fit into memory. */
  readonly scratch: () => ScratchFile
  /** Bytes of memory for rows; also the size of the runs on disk. Default: 64 MiB. */
  readonly memory?: number
  /** Called with the number of rows taken in so far. */
  readonly onRows?: (rows: number) => void
  /** Called when all rows are there and begin to be sent on. */
  readonly onSorted?: () => void
}

const DEFAULT_MEMORY = 64 * 1024 * 1024
/** Batches between two turns of the event loop: signals and timers have to get theirs. */
const BATCHES_A_TURN = 16

/**
 * Puts the rows of a source that sends them in any order into the order of their keys, on disk where they do not fit
 * into memory. Sends nothing on before it has seen the end of the model, but for rows that have no usable key: those
 * have no place in the order and go straight through, as does what the source could not read. Equal keys stay in
 * the order they came in.
 */
export function sorting(layout: RowLayout, options: SortingOptions): Duplex {
  return new Sorting(layout, options)
}

class Sorting extends Duplex {
  readonly #options: SortingOptions
  #arena: RowArena | undefined
  readonly #runs: SortedRun[] = []
  readonly #files: ScratchFile[] = []
  readonly #layout: RowLayout
  #rows = 0
  #end: EndOfModel | undefined
  #sorted: Iterator<RowBatch> | undefined
  /** The next stage asked for rows when there were none to send yet. */
  #wanted = false
  #sending = false

  constructor(layout: RowLayout, options: SortingOptions) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#layout = layout
    this.#options = options
  }

  override _write(batch: RowBatch, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    try {
      this.#take(batch)
      callback()
    } catch (error) {
      callback(error as Error)
    }
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#sorted = this.#batches()
    this.#options.onSorted?.()
    callback()
    if (this.#wanted) this.#send()
  }

  override _read(): void {
    this.#wanted = true
    if (this.#sorted !== undefined) this.#send()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#sorted = undefined
    this.#arena = undefined
    for (const file of this.#files) file[Symbol.dispose]()
    callback(error)
  }

  #take(batch: RowBatch): void {
    const { bytes, offsets, count, invalid, end } = batch
    this.#arena ??= new RowArena(new KeyEncoder(this.#layout.key), this.#options.memory ?? DEFAULT_MEMORY)
    let unkeyed: RowPacker | undefined
    for (let row = 0; row < count; row++) {
      const start = offsets[row] as number
      const stop = offsets[row + 1] as number
      let result = this.#arena.add(bytes, start, stop)
      if (result === ARENA_FULL) {
        this.#spill(this.#arena)
        result = this.#arena.add(bytes, start, stop)
      }
      if (result === 0) continue
      unkeyed ??= new RowPacker()
      unkeyed.add(bytes, start, stop)
    }
    this.#rows += count + (invalid?.length ?? 0)
    this.#options.onRows?.(this.#rows)
    if (end !== undefined) this.#end = end
    if (unkeyed === undefined && invalid === undefined) return
    const rest = unkeyed?.take() ?? { bytes: Buffer.alloc(0), offsets: new Uint32Array(1), count: 0 }
    // Few in any model worth syncing: they may wait in memory.
    this.push(invalid === undefined ? rest : { ...rest, invalid })
  }

  #spill(arena: RowArena): void {
    const file = this.#files[0] ?? this.#open()
    const start = file.length
    arena.spill(file)
    this.#runs.push({ file, start, end: file.length })
  }

  #open(): ScratchFile {
    const file = this.#options.scratch()
    this.#files.push(file)
    return file
  }

  *#batches(): Iterator<RowBatch> {
    const packer = new RowPacker()
    for (const row of this.#rowsInOrder()) {
      if (packer.add(row.bytes, row.keyEnd, row.end)) yield packer.take()
    }
    const last = packer.take()
    // A source that just stopped has not said that this was its end, and neither is that said here.
    yield this.#end === undefined ? last : { ...last, end: this.#end }
  }

  #rowsInOrder(): Iterable<SortedRow> {
    const arena = this.#arena
    // What orders the rows in memory is not needed for merging, and neither is it kept for that long.
    this.#arena = undefined
    if (arena === undefined) return []
    if (this.#runs.length === 0) return arena.sorted()
    this.#spill(arena)
    const { bytes, largest } = arena
    return mergeRuns(this.#runs, { memory: bytes, largest, open: () => this.#open() })
  }

  #send(): void {
    if (this.#sending) return
    this.#sending = true
    this.#wanted = false
    try {
      for (let sent = 0; sent < BATCHES_A_TURN; sent++) {
        const next = this.#sorted?.next()
        if (next === undefined || next.done === true) {
          if (next !== undefined) this.push(null)
          return
        }
        if (this.push(next.value)) continue
        this.#sending = false
        return
      }
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    setImmediate(() => {
      this.#sending = false
      this.#send()
    })
  }
}
