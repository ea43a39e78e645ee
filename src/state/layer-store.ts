import { createHash } from 'node:crypto'
import type { Database, Statement } from 'better-sqlite3'
import type { Segment } from '../core/key-entry.ts'
import {
  firstKeys,
  LAYER_SCHEMA,
  LAYER_SPAN,
  LayerBuilder,
  LayerCursor,
  type LayerRow,
  LayerWriter,
  type Seed,
} from './layer.ts'
import { LayerMerge } from './layer-merge.ts'
import { damaged } from './state-file.ts'

/** The delta is folded into the base when it holds more than this share of it. */
const DELTA_SHARE = 0.05
/** Segments per transaction while folding: about 4 MiB of write-ahead log. */
const SEGMENTS_PER_COMMIT = 64

/** A segment on its way into a layer. */
export interface StagedSegment {
  readonly layer: number
  readonly sequence: number
  readonly segment: Segment
  readonly intent: boolean
}

/**
 * The layers of one state file: how they are written, folded and vouched for. Each layer's row vouches for its
 * segments; the root, a digest of all rows kept in the same transactions, vouches for the rows.
 */
export class LayerStore {
  readonly #database: Database
  readonly #file: { readonly sync: string; readonly path: string }
  readonly #seed: Seed
  readonly #writer: LayerWriter
  readonly #readLayers: Statement<[]>
  readonly #putRoot: Statement<[string]>

  /** Drops what a crash left half built, and folds in what the killed run had committed, intents included. */
  constructor(database: Database, file: { readonly sync: string; readonly path: string }, seed: Seed) {
    this.#database = database
    this.#file = file
    this.#seed = seed
    this.#writer = new LayerWriter(database, seed)
    this.#readLayers = database.prepare('SELECT * FROM layer ORDER BY id')
    this.#putRoot = database.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('root', ?)")
    const root = this.#database.prepare("SELECT value FROM meta WHERE name = 'root'").pluck().get()
    if (root !== this.#root()) throw damaged(file.sync, 'its list of layers is not what was written')
    this.#transaction(() => this.#database.exec("UPDATE layer SET kind = 'garbage' WHERE kind = 'building'"))
    this.compact()
  }

  /** Lays out an empty store beside a table `meta (name, value)`. */
  static create(database: Database): void {
    database.exec(LAYER_SCHEMA)
    database.prepare("INSERT INTO meta (name, value) VALUES ('root', ?)").run(rootOf([]))
  }

  get entries(): number {
    return this.#layers().reduce((sum, layer) => sum + (isFolded(layer) ? layer.entries : 0), 0)
  }

  scan(): LayerMerge {
    return new LayerMerge(this.#cursors(this.#layers().filter(isFolded)), { showGone: false })
  }

  /** At most `most` keys that cut the base into parts of about the same size, ascending. */
  splits(most: number): Buffer[] {
    const base = this.#layers().find((layer) => layer.kind === 'base')
    return base === undefined ? [] : firstKeys(this.#database, base, most, this.#seed, this.#file.sync)
  }

  /** Adds an empty layer and returns its number. */
  add(kind: 'lane' | 'building'): number {
    return this.#transaction(() => {
      const row = this.#database.prepare('SELECT coalesce(max(id), 0) + 1 AS id FROM layer').get() as { id: number }
      this.#writer.create(row.id, kind)
      return row.id
    })
  }

  /** Writes segments, and whatever `also` writes, in one transaction. Where it fails, the same may be written again. */
  write(staged: readonly StagedSegment[], also?: () => void): void {
    this.#writer.attempt(() => {
      this.#transaction(() => {
        for (const { layer, sequence, segment, intent } of staged) this.#writer.put(layer, sequence, segment, intent)
        this.#writer.flush()
        also?.()
      })
    })
  }

  /** Folds the lanes into the delta, or everything into a new base where that has become too much. */
  compact(): void {
    const layers = this.#layers()
    const lanes = layers.filter((layer) => layer.kind === 'lane')
    const filled = lanes.filter((lane) => lane.entries > 0)
    const base = layers.find((layer) => layer.kind === 'base')
    const delta = layers.find((layer) => layer.kind === 'delta')
    const small = filled.reduce((sum, lane) => sum + lane.entries, delta?.entries ?? 0)
    const replaced = [...lanes]
    if (filled.length > 0) {
      const whole = base === undefined || small > base.entries * DELTA_SHARE
      if (delta !== undefined) replaced.push(delta)
      if (whole && base !== undefined) replaced.push(base)
      const only = filled.length === 1 && (whole ? base === undefined && delta === undefined : delta === undefined)
      // A first run leaves one sorted lane: it is the base as it stands, and copying it would double the file.
      const target = only
        ? (filled[0] as LayerRow).id
        : this.#fold(
            replaced.filter((layer) => layer.entries > 0),
            whole,
          )
      this.#transaction(() => {
        const retire = this.#database.prepare("UPDATE layer SET kind = 'garbage' WHERE id = ?")
        for (const layer of replaced) if (layer.id !== target) retire.run(layer.id)
        this.#database.prepare('UPDATE layer SET kind = ? WHERE id = ?').run(whole ? 'base' : 'delta', target)
      })
    } else if (lanes.length > 0) {
      this.#transaction(() => {
        this.#database.exec("UPDATE layer SET kind = 'garbage' WHERE kind = 'lane'")
      })
    }
    this.#dropGarbage()
  }

  /** Merges layers into a new one, in bounded transactions; it counts only once the caller says so. */
  #fold(layers: readonly LayerRow[], whole: boolean): number {
    const target = this.add('building')
    const merge = new LayerMerge(this.#cursors(layers), { showGone: !whole })
    const builder = new LayerBuilder(this.#writer, target)
    for (let more = true; more; ) {
      this.#transaction(() => {
        const until = builder.segments + SEGMENTS_PER_COMMIT
        while (builder.segments < until && more) {
          more = merge.next()
          if (more)
            builder.push(merge.state, merge.bytes, merge.keyStart, merge.keyEnd, merge.printHigh, merge.printLow)
        }
        if (!more) builder.finish()
        this.#writer.flush()
      })
    }
    return target
  }

  #dropGarbage(): void {
    const garbage = this.#layers().filter((layer) => layer.kind === 'garbage')
    if (garbage.length === 0) return
    this.#transaction(() => {
      for (const { id } of garbage) {
        this.#database
          .prepare('DELETE FROM segment WHERE id >= ? AND id < ?')
          .run(id * LAYER_SPAN, (id + 1) * LAYER_SPAN)
        this.#database.prepare('DELETE FROM layer WHERE id = ?').run(id)
      }
    })
  }

  #layers(): LayerRow[] {
    return this.#readLayers.all() as LayerRow[]
  }

  #cursors(layers: readonly LayerRow[]): LayerCursor[] {
    return layers.map((layer) => new LayerCursor(this.#database, layer, this.#seed, this.#file))
  }

  /** One transaction (or, in a dry run, a part of the one that is rolled back), sealed by the new root. */
  #transaction<Result>(work: () => Result): Result {
    return this.#database
      .transaction(() => {
        const result = work()
        this.#putRoot.run(this.#root())
        return result
      })
      .immediate()
  }

  #root(): string {
    return rootOf(this.#layers())
  }
}

function isFolded(layer: LayerRow): boolean {
  return layer.kind === 'base' || layer.kind === 'delta'
}

function rootOf(layers: readonly LayerRow[]): string {
  return createHash('sha256').update(JSON.stringify(layers)).digest('hex')
}
