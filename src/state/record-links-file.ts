import type { Database, Statement } from 'better-sqlite3'
import type { RecordLink, RecordLinks, WantedRecords } from '../core/record-links.ts'
import type { Seed } from './layer.ts'
import { Recent } from './recent.ts'
import { encodedOf, entryOf, type LinkEntry, namesOfEntry, storedEntry } from './record-link-entry.ts'
import { isOverwritten, nameOf } from './record-link-row.ts'
import { LINK, NAME, overwrittenOf, sumOf, type Totals, textOf } from './record-links-sum.ts'
import { type Checksum, checksumOf, seal, unseal } from './sealed.ts'
import { damaged, stateError } from './state-file.ts'
import { WantedRecordsTable } from './wanted-records.ts'

const SCHEMA = `
  CREATE TABLE link (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE link_name (name BLOB PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID;
`

const CACHE_KIB = 8 * 1024
/** Most characters of links, and of names and their keys, that are kept once they are committed: some thousands of each. */
const RECENT_LINKS = 1024 * 1024
const RECENT_NAMES = 512 * 1024
/** What an object of the cache takes besides its text, roughly. */
const OBJECT = 100

interface Statements {
  readonly link: Statement<[Buffer], Buffer>
  readonly putLink: Statement<[Buffer, Buffer]>
  readonly dropLink: Statement<[Buffer]>
  readonly owner: Statement<[Buffer], Buffer>
  readonly putName: Statement<[Buffer, Buffer]>
  readonly dropName: Statement<[Buffer]>
  readonly putTotals: Statement<[string]>
}

/**
 * Record links in two tables of the key index: a link by key, and its key by each of its identities and its id. Each link
 * carries a checksum seeded by the index, and the sum over both tables is verified once, before the first of them is used: a
 * run that changes nothing reads none. What is put waits in memory for the next commit of the index. What was read or
 * committed last is kept, so that a row that is on its way is read once, and what it leaves as it is, is not written.
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
  /** By key, and keys by name, all in latin1: what is not committed yet. Null where it is removed. */
  readonly #links = new Map<string, LinkEntry | null>()
  readonly #names = new Map<string, string | null>()
  /** The same of what is committed, as far as it was used lately. Null where there is none. */
  readonly #recentLinks = new Recent<LinkEntry | null>(
    RECENT_LINKS,
    (key, entry) => key.length + (entry?.value?.length ?? 0) * 2 + OBJECT,
  )
  readonly #recentNames = new Recent<string | null>(RECENT_NAMES, (_name, key) => (key?.length ?? 0) + OBJECT)

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
    return this.#entry(key.toString('latin1'))?.link
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
      const stored = this.#totals === undefined ? this.#storedTotals() : undefined
      if ((overwrittenOf(stored, this.#seed, this.#file.sync) ?? this.#ready().overwritten) === 0) return []
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
    let isChanged = false
    for (const [text, entry] of this.#links) {
      const before = this.#stored(text)
      if (
        entry === null
          ? before === undefined
          : before === entry || (before !== undefined && encodedOf(before) === encodedOf(entry))
      )
        continue
      isChanged = true
      const key = Buffer.from(text, 'latin1')
      if (before?.sum !== undefined) count(-1, before.sum, before.link.overwritten)
      if (entry === null) statements.dropLink.run(key)
      else {
        const { data, sum } = seal(LINK, key, Buffer.from(encodedOf(entry)), this.#seed)
        entry.sum = sum
        statements.putLink.run(key, data)
        count(1, sum, entry.link.overwritten)
      }
    }
    const names = [...this.#names].filter(([name, key]) => (this.#named(name) ?? null) !== key)
    // In the order of the table: each of its pages is touched once.
    for (const [text, owner] of names.sort(([one], [other]) => (one < other ? -1 : 1))) {
      isChanged = true
      const name = Buffer.from(text, 'latin1')
      const before = this.#named(text)
      if (before !== undefined) count(-1, checksumOf(NAME, name, Buffer.from(before, 'latin1'), this.#seed))
      if (owner === null) statements.dropName.run(name)
      else {
        const key = Buffer.from(owner, 'latin1')
        statements.putName.run(name, key)
        count(1, checksumOf(NAME, name, key, this.#seed))
      }
    }
    if (isChanged) statements.putTotals.run(textOf(totals, this.#seed))
    this.#written = totals
  }

  /** The transaction of the last {@link write} was committed. */
  written(): void {
    if (this.#written !== undefined) this.#totals = this.#written
    this.#written = undefined
    this.#isCreating = false
    for (const [key, entry] of this.#links)
      if (entry?.sum !== undefined || entry === null) this.#recentLinks.set(key, entry)
    for (const [name, key] of this.#names) this.#recentNames.set(name, key)
    this.#links.clear()
    this.#names.clear()
  }

  /** The transaction of the last {@link write} was not: what it has made is not there. */
  undone(): void {
    this.#written = undefined
    if (this.#isCreating) this.#statements = undefined
    this.#isCreating = false
  }

  #stage(buffer: Buffer, link: RecordLink | null): void {
    const key = buffer.toString('latin1')
    const before = this.#entry(key)
    const entry = link === null ? null : entryOf(link, before)
    const names = entry === null ? [] : namesOfEntry(entry)
    if (before !== undefined && before !== entry) {
      for (const name of namesOfEntry(before))
        if (!names.includes(name) && this.#ownerOf(name) === key) this.#names.set(name, null)
    }
    for (const name of names) this.#names.set(name, key)
    this.#links.set(key, entry)
    if (this.#keep) return
    this.#guarded(() => this.write())
    this.written()
  }

  #owner(name: string, isNamed: (link: RecordLink) => boolean): Buffer | undefined {
    const key = this.#ownerOf(name)
    if (key === undefined) return undefined
    const link = this.#entry(key)?.link
    if (link === undefined || !isNamed(link)) throw damaged(this.#file.sync, 'a record link is not what was written')
    return Buffer.from(key, 'latin1')
  }

  #ownerOf(name: string): string | undefined {
    const staged = this.#names.get(name)
    return staged === undefined ? this.#guarded(() => this.#named(name)) : (staged ?? undefined)
  }

  #entry(key: string): LinkEntry | undefined {
    const staged = this.#links.get(key)
    return staged === undefined ? this.#guarded(() => this.#stored(key)) : (staged ?? undefined)
  }

  #stored(text: string): LinkEntry | undefined {
    const recent = this.#recentLinks.get(text)
    if (recent !== undefined) return recent ?? undefined
    this.#ready()
    const key = Buffer.from(text, 'latin1')
    const data = this.#statements?.link.get(key)
    const unsealed = data === undefined ? undefined : this.#unseal(key, data)
    const entry = unsealed === undefined ? null : storedEntry(unsealed.value, unsealed.sum)
    this.#recentLinks.set(text, entry)
    return entry ?? undefined
  }

  #named(text: string): string | undefined {
    const recent = this.#recentNames.get(text)
    if (recent !== undefined) return recent ?? undefined
    this.#ready()
    const key = this.#statements?.owner.get(Buffer.from(text, 'latin1'))?.toString('latin1') ?? null
    this.#recentNames.set(text, key)
    return key ?? undefined
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
    const stored = this.#storedTotals()
    const tables = database
      .prepare("SELECT count(*) FROM sqlite_schema WHERE name IN ('link', 'link_name')")
      .pluck()
      .get()
    if (tables !== (stored === undefined ? 0 : 2)) throw damaged(this.#file.sync, 'its record links are not all there')
    let totals = { rows: 0, overwritten: 0, high: 0, low: 0 }
    if (stored !== undefined) {
      totals = sumOf(database, this.#seed, this.#file.sync)
      if (textOf(totals, this.#seed) !== stored)
        throw damaged(this.#file.sync, 'its record links do not match their checksum')
      this.#statements = this.#prepare()
    }
    this.#totals = totals
    return totals
  }

  #storedTotals(): string | undefined {
    return this.#database.prepare("SELECT value FROM meta WHERE name = 'links'").pluck().get() as string | undefined
  }

  #create(): Statements {
    this.#database.exec(SCHEMA)
    this.#isCreating = true
    return this.#prepare()
  }

  #prepare(): Statements {
    // Which page a row needs next is not foreseeable, unlike in a scan of the index.
    this.#database.pragma(`cache_size = -${CACHE_KIB}`)
    const prepare = (sql: string) => this.#database.prepare<unknown[], Buffer>(sql)
    return {
      link: prepare('SELECT data FROM link WHERE key = ?').pluck(),
      putLink: prepare('INSERT OR REPLACE INTO link (key, data) VALUES (?, ?)'),
      dropLink: prepare('DELETE FROM link WHERE key = ?'),
      owner: prepare('SELECT key FROM link_name WHERE name = ?').pluck(),
      putName: prepare('INSERT OR REPLACE INTO link_name (name, key) VALUES (?, ?)'),
      dropName: prepare('DELETE FROM link_name WHERE name = ?'),
      putTotals: prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('links', ?)"),
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
