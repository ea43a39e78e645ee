import type { Database, Statement } from 'better-sqlite3'
import type { RecordLink, RecordLinks, WantedRecords } from '../core/record-links.ts'
import type { Seed } from './layer.ts'
import { decodeLink, encodeLink, isOverwritten, nameOf, namesOf } from './record-link-row.ts'
import { type Checksum, checksumOf, seal, unseal } from './sealed.ts'
import { damaged, stateError } from './state-file.ts'
import { WantedRecordsTable } from './wanted-records.ts'

/** Tell the checksums of rows of the two tables apart. */
const LINK = 1
const NAME = 2

const SCHEMA = `
  CREATE TABLE link (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE link_name (name BLOB PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID;
`

/** What all rows of both tables come to; kept in the meta table, in the same transactions. */
interface Totals {
  rows: number
  overwritten: number
  high: number
  low: number
}

interface Statements {
  readonly link: Statement<[Buffer]>
  readonly putLink: Statement<[Buffer, Buffer]>
  readonly dropLink: Statement<[Buffer]>
  readonly owner: Statement<[Buffer]>
  readonly putName: Statement<[Buffer, Buffer]>
  readonly dropName: Statement<[Buffer]>
}

/**
 * Record links in two tables of the key index: a link by key, and its key by each of its identities and its id, of which
 * 16 bytes of a hash are kept. Each link carries a checksum seeded by the index, and the sum over both tables is verified
 * once, before the first of them is used: a run that changes nothing reads none. What is put waits in memory for the next
 * commit of the index.
 */
export class RecordLinksFile implements RecordLinks {
  readonly wanted: WantedRecords
  readonly #database: Database
  readonly #file: { readonly sync: string; readonly path: string }
  readonly #seed: Seed
  /** Whether what is put waits for a commit; in a dry run it is all part of one transaction that is rolled back. */
  readonly #keep: boolean
  /** Undefined until first used; `statements` undefined until there are tables. */
  #totals: Totals | undefined
  #written: Totals | undefined
  #statements: Statements | undefined
  #isCreating = false
  /** By key and by name, in latin1: what is not committed yet. Null where it is removed. */
  readonly #links = new Map<string, RecordLink | null>()
  readonly #names = new Map<string, Buffer | null>()

  constructor(
    database: Database,
    file: { readonly sync: string; readonly path: string },
    seed: Seed,
    options: { readonly keep: boolean },
  ) {
    this.#database = database
    this.#file = file
    this.#seed = seed
    this.#keep = options.keep
    this.wanted = new WantedRecordsTable(database, file)
  }

  get(key: Buffer): RecordLink | undefined {
    const staged = this.#links.get(key.toString('latin1'))
    if (staged !== undefined) return staged ?? undefined
    return this.#guarded(() => this.#stored(key)?.link)
  }

  ownerOfIdentity(identity: string): Buffer | undefined {
    return this.#owner(
      nameOf('identity', identity),
      (link) => link.identities.includes(identity) || link.aliases.includes(identity),
    )
  }

  ownerOfId(id: string): Buffer | undefined {
    return this.#owner(nameOf('id', id), (link) => link.id === id)
  }

  put(key: Buffer, link: RecordLink): void {
    this.#stage(key, link)
  }

  remove(key: Buffer): void {
    if (this.get(key) !== undefined) this.#stage(key, null)
  }

  overwritten(): Buffer[] {
    return this.#guarded(() => {
      if (this.#ready().overwritten === 0) return []
      const keys: Buffer[] = []
      for (const [key, data] of this.#rows('SELECT key, data FROM link ORDER BY key'))
        if (isOverwritten(this.#unseal(key, data).value)) keys.push(key)
      return keys
    })
  }

  /** Whether something waits for a commit. */
  get isStaged(): boolean {
    return this.#links.size > 0
  }

  /** Writes what waits, within the transaction of whoever calls. It goes on waiting until {@link written}. */
  write(): void {
    if (!this.isStaged) return
    const totals = { ...this.#ready() }
    this.#statements ??= this.#create()
    const statements = this.#statements
    const count = (by: 1 | -1, sum: Checksum, overwritten = false) => {
      totals.rows += by
      totals.high ^= sum.high
      totals.low ^= sum.low
      if (overwritten) totals.overwritten += by
    }
    for (const [text, link] of this.#links) {
      const key = Buffer.from(text, 'latin1')
      const before = this.#stored(key)
      if (before !== undefined) count(-1, before.sum, before.link.overwritten)
      if (link === null) statements.dropLink.run(key)
      else {
        const { data, sum } = seal(LINK, key, encodeLink(link), this.#seed)
        statements.putLink.run(key, data)
        count(1, sum, link.overwritten)
      }
    }
    for (const [text, key] of this.#names) {
      const name = Buffer.from(text, 'latin1')
      const before = this.#named(name)
      if (before !== undefined) count(-1, checksumOf(NAME, name, before, this.#seed))
      if (key === null) statements.dropName.run(name)
      else {
        statements.putName.run(name, key)
        count(1, checksumOf(NAME, name, key, this.#seed))
      }
    }
    const meta = [totals.rows, totals.overwritten, totals.high >>> 0, totals.low >>> 0].join(' ')
    this.#database.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('links', ?)").run(meta)
    this.#written = totals
  }

  /** The transaction of the last {@link write} was committed. */
  written(): void {
    if (this.#written !== undefined) this.#totals = this.#written
    this.#written = undefined
    this.#isCreating = false
    this.#links.clear()
    this.#names.clear()
  }

  /** The transaction of the last {@link write} was not: what it has made is not there. */
  undone(): void {
    this.#written = undefined
    if (this.#isCreating) this.#statements = undefined
    this.#isCreating = false
  }

  #stage(key: Buffer, link: RecordLink | null): void {
    const before = this.get(key)
    const names = new Set(link === null ? [] : namesOf(link))
    for (const name of before === undefined ? [] : namesOf(before)) {
      if (!names.has(name) && this.#ownerOf(name)?.equals(key)) this.#names.set(name, null)
    }
    const own = Buffer.from(key)
    for (const name of names) this.#names.set(name, own)
    this.#links.set(key.toString('latin1'), link)
    if (this.#keep) return
    this.#guarded(() => this.write())
    this.written()
  }

  #owner(name: string, isNamed: (link: RecordLink) => boolean): Buffer | undefined {
    const key = this.#ownerOf(name)
    if (key === undefined) return undefined
    const link = this.get(key)
    if (link === undefined || !isNamed(link)) throw damaged(this.#file.sync, 'a record link is not what was written')
    return key
  }

  #ownerOf(name: string): Buffer | undefined {
    const staged = this.#names.get(name)
    if (staged !== undefined) return staged ?? undefined
    return this.#guarded(() => this.#named(Buffer.from(name, 'latin1')))
  }

  #stored(key: Buffer): { link: RecordLink; sum: Checksum } | undefined {
    this.#ready()
    const row = this.#statements?.link.get(key) as { data: Buffer } | undefined
    return row === undefined ? undefined : this.#open(key, row.data)
  }

  #named(name: Buffer): Buffer | undefined {
    this.#ready()
    return (this.#statements?.owner.get(name) as { key: Buffer } | undefined)?.key
  }

  #open(key: Buffer, data: Buffer): { link: RecordLink; sum: Checksum } {
    const { value, sum } = this.#unseal(key, data)
    return { link: decodeLink(value), sum }
  }

  #unseal(key: Buffer, data: Buffer): { value: Buffer; sum: Checksum } {
    return unseal(LINK, key, data, { seed: this.#seed, sync: this.#file.sync, what: 'a record link' })
  }

  #rows(sql: string): Iterable<readonly [Buffer, Buffer]> {
    return this.#database.prepare(sql).raw().iterate() as Iterable<readonly [Buffer, Buffer]>
  }

  /** Reads everything once: a link that is lost or stale would be missed by whoever looks for it. */
  #ready(): Totals {
    if (this.#totals !== undefined) return this.#totals
    const database = this.#database
    const stored = database.prepare("SELECT value FROM meta WHERE name = 'links'").pluck().get() as string | undefined
    const tables = database
      .prepare("SELECT count(*) FROM sqlite_schema WHERE name IN ('link', 'link_name')")
      .pluck()
      .get()
    const totals = { rows: 0, overwritten: 0, high: 0, low: 0 }
    if (tables !== (stored === undefined ? 0 : 2)) throw damaged(this.#file.sync, 'its record links are not all there')
    if (stored !== undefined) {
      this.#sum(totals)
      const sum = [totals.rows, totals.overwritten, totals.high >>> 0, totals.low >>> 0].join(' ')
      if (sum !== stored) throw damaged(this.#file.sync, 'its record links do not match their checksum')
      this.#statements = this.#prepare()
    }
    this.#totals = totals
    return totals
  }

  #sum(totals: Totals): void {
    const add = ({ high, low }: Checksum) => {
      totals.rows++
      totals.high ^= high
      totals.low ^= low
    }
    let last: Buffer = Buffer.alloc(0)
    const inOrder = (name: unknown) => {
      if (!Buffer.isBuffer(name) || (last.length > 0 && Buffer.compare(name, last) <= 0))
        throw damaged(this.#file.sync, 'its record links are out of order')
      last = name
    }
    for (const [key, data] of this.#rows('SELECT key, data FROM link ORDER BY key')) {
      inOrder(key)
      const { value, sum } = this.#unseal(key, data)
      add(sum)
      if (isOverwritten(value)) totals.overwritten++
    }
    last = Buffer.alloc(0)
    for (const [name, key] of this.#rows('SELECT name, key FROM link_name ORDER BY name')) {
      inOrder(name)
      if (!Buffer.isBuffer(key)) throw damaged(this.#file.sync, 'a record link has no key')
      add(checksumOf(NAME, name, key, this.#seed))
    }
  }

  #create(): Statements {
    this.#database.exec(SCHEMA)
    this.#isCreating = true
    return this.#prepare()
  }

  #prepare(): Statements {
    const prepare = (sql: string) => this.#database.prepare(sql)
    return {
      link: prepare('SELECT data FROM link WHERE key = ?'),
      putLink: prepare('INSERT OR REPLACE INTO link (key, data) VALUES (?, ?)'),
      dropLink: prepare('DELETE FROM link WHERE key = ?'),
      owner: prepare('SELECT key FROM link_name WHERE name = ?'),
      putName: prepare('INSERT OR REPLACE INTO link_name (name, key) VALUES (?, ?)'),
      dropName: prepare('DELETE FROM link_name WHERE name = ?'),
    }
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw stateError(error, this.#file.path, this.#file.sync)
    }
  }
}
