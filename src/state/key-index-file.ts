import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { FatalError } from '../core/errors.ts'
import type { KeyIndex, KeyScan, Lane } from '../core/key-index.ts'
import type { DestinationNotes, RecordLinks } from '../core/record-links.ts'
import { DestinationNotesFile } from './destination-notes.ts'
import type { Seed } from './layer.ts'
import { LayerStore, type StagedSegment } from './layer-store.ts'
import { RecordLinksFile } from './record-links-file.ts'
import { damaged, openExclusively, stateError } from './state-file.ts'

/** Version of the file's layout. A newer one is refused, an older one migrated (there is none yet). */
const FORMAT_VERSION = 1
/** What an index is bound to. */
export interface IndexIdentity {
  /** Key columns and their encodings. */
  readonly key: string
  /** The destination object, without secrets. */
  readonly destination: string
  /** The match fields, where they are not what the key maps to. */
  readonly match?: string
  /** Whose records they are, where the credential alone decides it and may read it. */
  readonly account?: string
}

/** `bytes` is the size of the file without its write-ahead log; 0 in a dry run. */
export interface IndexSummary {
  readonly entries: number
  readonly bytes: number
}

type MetaName =
  | 'format_version'
  | 'sync'
  | 'key'
  | 'destination'
  | 'match'
  | 'account'
  | 'seed'
  | 'mapping'
  | 'listed_at'
  | 'bootstrapped'

/** The key index of one sync, in one SQLite file that this process holds alone while it is open. */
export class KeyIndexFile implements KeyIndex {
  /** True before the first run: nothing was ever listed or acknowledged. */
  readonly isNew: boolean
  readonly seed: Seed
  readonly path: string
  /** How the destination knows the records, for destinations that declare `links`; durable with {@link commit}. */
  readonly links: RecordLinks
  readonly notes: DestinationNotes
  readonly #database: Database
  readonly #sync: string
  readonly #keep: boolean
  readonly #layers: LayerStore
  readonly #links: RecordLinksFile
  readonly #staged: StagedSegment[] = []

  private constructor(database: Database, path: string, sync: string, keep: boolean, isNew: boolean) {
    this.#database = database
    this.path = path
    this.#sync = sync
    this.#keep = keep
    if (!keep) database.exec('BEGIN IMMEDIATE')
    if (isNew) this.#transaction(() => this.#create())
    this.#check()
    this.seed = seedOf(database, sync)
    this.#layers = new LayerStore(database, { sync, path }, this.seed)
    this.#links = new RecordLinksFile(database, { sync, path }, this.seed, { keep })
    this.links = this.#links
    this.notes = new DestinationNotesFile(database, { sync, path }, this.seed)
    this.isNew = this.#meta('bootstrapped') === undefined
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
   * bound to others: what it says of one destination is no evidence about another. An account that cannot be read is
   * not compared, and the first that can be read is remembered.
   */
  bind(identity: IndexIdentity): void {
    const rebuild = `start over with \`rowferry index rebuild ${this.#sync}\``
    const isBound = this.#meta('key') !== undefined
    const bind = (name: keyof IndexIdentity, code: string, what: string, none = '') => {
      const stored = this.#meta(name)
      const wanted = identity[name]
      if (stored === wanted) return
      if (stored !== undefined || (isBound && name === 'match')) {
        const message = `${what}: the key index ${this.path} is for ${stored ?? none}, not ${wanted ?? none}; ${rebuild}`
        throw new FatalError(code, message, { kind: 'configuration' })
      }
      if (wanted !== undefined) this.#transaction(() => this.#setMeta(name, wanted))
    }
    this.#guarded(() => {
      bind('destination', 'index_foreign', 'the destination has changed')
      bind('match', 'index_key_changed', 'the match has changed', 'what the key maps to')
      bind('key', 'index_key_changed', 'the key has changed')
      this.#bindAccount(identity.account)
    })
  }

  #bindAccount(wanted: string | undefined): void {
    const stored = this.#meta('account')
    if (wanted === undefined || stored === wanted) return
    if (stored !== undefined) {
      const message = `the credential is one of another account: the key index ${this.path} is for ${stored}, not ${wanted}; put the old credential back, or start over with \`rowferry index rebuild ${this.#sync}\``
      throw new FatalError('index_foreign', message, { kind: 'configuration' })
    }
    this.#transaction(() => this.#setMeta('account', wanted))
  }

  /** What it is bound to, as far as it is. */
  get identity(): Partial<IndexIdentity> {
    const [key, destination] = [this.#meta('key'), this.#meta('destination')]
    return { ...(key === undefined ? {} : { key }), ...(destination === undefined ? {} : { destination }) }
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
    return { entries: this.#layers.entries, bytes: this.#keep ? statSync(this.path).size : 0 }
  }

  scan(): KeyScan {
    return this.#layers.scan()
  }

  /** At most `most` keys that cut what was folded into parts of about the same size, ascending; none at first. */
  splits(most: number): Buffer[] {
    return this.#guarded(() => this.#layers.splits(most))
  }

  lane(): Lane {
    let made: number | undefined
    // When it is written to: a run that changes nothing commits nothing, and each commit waits for the disk.
    const layer = () => (made ??= this.#guarded(() => this.#layers.add('lane')))
    return {
      intend: (sequence, segment) => this.#staged.push({ layer: layer(), sequence, segment, intent: true }),
      put: (sequence, segment) => this.#staged.push({ layer: layer(), sequence, segment, intent: false }),
    }
  }

  commit(): void {
    if (this.#staged.length === 0 && !this.#links.isStaged) return
    try {
      this.#guarded(() => this.#layers.write(this.#staged, () => this.#links.write()))
    } catch (error) {
      this.#links.undone()
      throw error
    }
    this.#links.written()
    this.#staged.length = 0
  }

  compact(): void {
    this.commit()
    this.#guarded(() => this.#layers.compact())
  }

  /** Gives the lock back. A dry run leaves nothing behind. */
  close(): void {
    if (!this.#database.open) return
    try {
      if (this.#keep) this.commit()
      else if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
    } finally {
      this.#database.close()
    }
  }

  #create(): void {
    this.#database.exec('CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID')
    LayerStore.create(this.#database)
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

/** The seed of the index in a database. Throws FatalError `index_damaged` where there is none. */
export function seedOf(database: Database, sync: string): Seed {
  const text = database.prepare("SELECT value FROM meta WHERE name = 'seed'").pluck().get() as string | undefined
  const seed = Buffer.from(text ?? '', 'hex')
  if (seed.length !== 8) throw damaged(sync, 'its seed is missing')
  return { high: seed.readUInt32LE(0), low: seed.readUInt32LE(4) }
}
