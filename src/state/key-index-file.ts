import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { FatalError } from '../core/errors.ts'
import type { Segment } from '../core/key-entry.ts'
import type { KeyIndex, KeyScan, Lane } from '../core/key-index.ts'
import { LAYER_SCHEMA, LAYER_SPAN, LayerBuilder, LayerCursor, type LayerRow, LayerWriter, type Seed } from './layer.ts'
import { LayerMerge } from './layer-merge.ts'
import { damaged, openExclusively, stateError } from './state-file.ts'

/** Version of the file's layout. A newer one is refused, an older one migrated (there is none yet). */
const FORMAT_VERSION = 1
/** The delta is folded into the base when it holds more than this share of it. */
const DELTA_SHARE = 0.05
/** Segments per transaction while folding: about 4 MiB of write-ahead log. */
const SEGMENTS_PER_COMMIT = 64

/** What an index is bound to. */
export interface IndexIdentity {
  /** Key columns and their encodings. */
  readonly key: string
  /** The destination object, without secrets. */
  readonly destination: string
}

export interface IndexSummary {
  readonly entries: number
  readonly bytes: number
}

type MetaName = 'format_version' | 'sync' | 'key' | 'destination' | 'seed' | 'mapping' | 'listed_at' | 'bootstrapped'

/** The key index of one sync, in one SQLite file that this process holds alone while it is open. */
export class KeyIndexFile implements KeyIndex {
  /** True before the first run: nothing was ever listed or acknowledged. */
  readonly isNew: boolean
  readonly seed: Seed
  readonly path: string
  readonly #database: Database
  readonly #sync: string
  readonly #keep: boolean
  readonly #writer: LayerWriter
  readonly #staged: { layer: number; sequence: number; segment: Segment; intent: boolean }[] = []

  private constructor(database: Database, path: string, sync: string, keep: boolean, isNew: boolean) {
    this.#database = database
    this.path = path
    this.#sync = sync
    this.#keep = keep
    if (!keep) database.exec('BEGIN IMMEDIATE')
    if (isNew) this.#transaction(() => this.#create())
    this.#check()
    const seed = Buffer.from(this.#meta('seed') ?? '', 'hex')
    if (seed.length !== 8) throw damaged(this.#sync, 'its seed is missing')
    this.seed = { high: seed.readUInt32LE(0), low: seed.readUInt32LE(4) }
    this.#writer = new LayerWriter(database, this.seed)
    this.isNew = this.#meta('bootstrapped') === undefined
    this.#recover()
  }

  /**
   * Opens or creates the index and takes the lock of its sync. Throws FatalError: `locked`, `index_foreign` (of
   * another sync), `index_newer`, `index_damaged`, `state_…`. With `keep: false` (a dry run) everything works and
   * nothing stays.
   */
  static async open(path: string, sync: string, options: { keep: boolean }): Promise<KeyIndexFile> {
    const { database, isNew } = await openExclusively(path, { sync, keep: options.keep })
    try {
      return new KeyIndexFile(database, path, sync, options.keep, isNew)
    } catch (error) {
      database.close()
      throw stateError(error, path, sync)
    }
  }

  /**
   * Binds a new index to a key and a place; throws FatalError `index_foreign` or `index_key_changed` where it is
   * bound to others: what it says of one destination is no evidence about another.
   */
  bind(identity: IndexIdentity): void {
    const rebuild = `start over with \`rowferry index rebuild ${this.#sync}\``
    const bind = (name: 'key' | 'destination', code: string, what: string) => {
      const stored = this.#meta(name)
      if (stored === undefined) this.#transaction(() => this.#setMeta(name, identity[name]))
      else if (stored !== identity[name]) {
        const message = `${what}: the key index ${this.path} is for ${stored}, not ${identity[name]}; ${rebuild}`
        throw new FatalError(code, message, { kind: 'configuration' })
      }
    }
    this.#guarded(() => {
      bind('destination', 'index_foreign', 'the destination has changed')
      bind('key', 'index_key_changed', 'the key has changed')
    })
  }

  /** Digest of the mapping that the last complete run used. */
  get mapping(): string | undefined {
    return this.#meta('mapping')
  }

  /** When the destination's keys were last merged in; milliseconds since the epoch. */
  get listedAt(): number | undefined {
    const text = this.#meta('listed_at')
    return text === undefined ? undefined : Number(text)
  }

  /** Notes for later runs; durable with the next commit. */
  note(notes: { mapping?: string; listedAt?: number; bootstrapped?: true }): void {
    this.#guarded(() => {
      this.#transaction(() => {
        if (notes.mapping !== undefined) this.#setMeta('mapping', notes.mapping)
        if (notes.listedAt !== undefined) this.#setMeta('listed_at', String(notes.listedAt))
        if (notes.bootstrapped) this.#setMeta('bootstrapped', '1')
      })
    })
  }

  summary(): IndexSummary {
    const row = this.#database
      .prepare("SELECT sum(entries) AS entries FROM layer WHERE kind IN ('base', 'delta')")
      .get()
    const bytes = this.#keep ? statSync(this.path).size : 0
    return { entries: (row as { entries: number | null }).entries ?? 0, bytes }
  }

  scan(): KeyScan {
    const layers = this.#layers().filter((layer) => layer.kind === 'base' || layer.kind === 'delta')
    return new LayerMerge(this.#cursors(layers), { showGone: false })
  }

  lane(): Lane {
    const layer = this.#newLayer('lane')
    return {
      intend: (sequence, segment) => this.#staged.push({ layer, sequence, segment, intent: true }),
      put: (sequence, segment) => this.#staged.push({ layer, sequence, segment, intent: false }),
    }
  }

  commit(): void {
    if (this.#staged.length === 0) return
    this.#guarded(() => {
      this.#transaction(() => {
        for (const { layer, sequence, segment, intent } of this.#staged) {
          this.#writer.put(layer, sequence, segment, intent)
        }
        this.#writer.flush()
      })
      this.#staged.length = 0
    })
  }

  compact(): void {
    this.commit()
    this.#guarded(() => this.#compact())
  }

  /** Gives the lock back. A dry run leaves nothing behind. */
  close(): void {
    if (!this.#database.open) return
    try {
      if (this.#keep) this.commit()
      else this.#database.exec('ROLLBACK')
    } finally {
      this.#database.close()
    }
  }

  #create(): void {
    this.#database.exec('CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID')
    this.#database.exec(LAYER_SCHEMA)
    this.#setMeta('format_version', String(FORMAT_VERSION))
    this.#setMeta('sync', this.#sync)
    this.#setMeta('seed', randomBytes(8).toString('hex'))
  }

  #check(): void {
    const known = this.#database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get() !== undefined
    const version = known ? Number(this.#meta('format_version')) : Number.NaN
    if (Number.isNaN(version)) throw damaged(this.#sync, `${this.path} is not a key index`)
    if (version > FORMAT_VERSION) {
      const message = `${this.path} was written by a newer rowferry (format ${version}, this one knows ${FORMAT_VERSION}); update rowferry`
      throw new FatalError('index_newer', message, { kind: 'configuration' })
    }
    const owner = this.#meta('sync')
    if (owner === this.#sync) return
    const message = `${this.path} is the key index of ${owner}, not of ${this.#sync}; put the right file back, or start over with \`rowferry index rebuild ${this.#sync}\``
    throw new FatalError('index_foreign', message, { kind: 'configuration' })
  }

  /** After a crash: drops what was half built and folds in what the killed run had committed, intents included. */
  #recover(): void {
    this.#transaction(() => this.#database.exec("UPDATE layer SET kind = 'garbage' WHERE kind = 'building'"))
    this.#compact()
  }

  #compact(): void {
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
      this.#transaction(() => this.#database.exec("UPDATE layer SET kind = 'garbage' WHERE kind = 'lane'"))
    }
    this.#dropGarbage()
  }

  /** Merges layers into a new one, in bounded transactions; it counts only once the caller says so. */
  #fold(layers: readonly LayerRow[], whole: boolean): number {
    const target = this.#newLayer('building')
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

  #newLayer(kind: 'lane' | 'building'): number {
    return this.#guarded(() =>
      this.#transaction(() => {
        const row = this.#database.prepare('SELECT coalesce(max(id), 0) + 1 AS id FROM layer').get() as { id: number }
        this.#writer.create(row.id, kind)
        return row.id
      }),
    )
  }

  #layers(): LayerRow[] {
    return this.#database.prepare('SELECT * FROM layer ORDER BY id').all() as LayerRow[]
  }

  #cursors(layers: readonly LayerRow[]): LayerCursor[] {
    return layers.map(
      (layer) => new LayerCursor(this.#database, layer, this.seed, { sync: this.#sync, path: this.path }),
    )
  }

  #meta(name: MetaName): string | undefined {
    const row = this.#database.prepare('SELECT value FROM meta WHERE name = ?').get(name)
    return (row as { value: string } | undefined)?.value
  }

  #setMeta(name: MetaName, value: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)').run(name, value)
  }

  /** One transaction, or, in a dry run, a part of the one that is rolled back at the end. */
  #transaction<Result>(work: () => Result): Result {
    return this.#database.transaction(work).immediate()
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw stateError(error, this.path, this.#sync)
    }
  }
}
