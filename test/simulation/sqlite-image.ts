import { existsSync, readFileSync } from 'node:fs'

/**
 * Reads tables out of an SQLite file and its write-ahead log, as they are on disk at this moment: without SQLite, whose
 * locks would be in the way, and without the product's code, which is on trial. Knows what state files have: UTF-8,
 * tables with rowids. The format: https://sqlite.org/fileformat.html
 */
export type SqliteValue = number | string | Buffer | null

export interface SqliteRow {
  readonly rowid: number
  readonly values: readonly SqliteValue[]
}

interface Image {
  readonly pageSize: number
  /** The pages of the last commit that is complete. */
  page(number: number): Buffer
}

const INTERIOR = 5
const LEAF = 13

/** The rows of those tables; of a file that does not exist, or holds no tables yet, none. */
export function tablesOf(path: string, names: readonly string[]): Map<string, SqliteRow[]> {
  const found = new Map<string, SqliteRow[]>(names.map((name) => [name, []]))
  const image = imageOf(path)
  if (image === undefined) return found
  for (const { values } of rowsOf(image, 1)) {
    const [type, name, , root] = values
    if (type === 'table' && found.has(name as string)) found.set(name as string, rowsOf(image, root as number))
  }
  return found
}

function imageOf(path: string): Image | undefined {
  if (!existsSync(path)) return undefined
  const file = readFileSync(path)
  const log = existsSync(`${path}-wal`) ? readFileSync(`${path}-wal`) : Buffer.alloc(0)
  const fromLog = committedPages(log)
  const first = fromLog.get(1) ?? file
  if (first.length < 100) return undefined
  const pageSize = first.readUInt16BE(16) === 1 ? 65536 : first.readUInt16BE(16)
  return {
    pageSize,
    page: (number) => fromLog.get(number) ?? file.subarray((number - 1) * pageSize, number * pageSize),
  }
}

/** The newest version of each page in a write-ahead log, up to the last commit. */
function committedPages(log: Buffer): Map<number, Buffer> {
  const pages = new Map<number, Buffer>()
  if (log.length < 32) return pages
  const pageSize = log.readUInt32BE(8)
  let open: [number, Buffer][] = []
  for (let at = 32; at + 24 + pageSize <= log.length; at += 24 + pageSize) {
    // Behind the last frame may be those of an earlier log.
    if (log.compare(log, 16, 24, at + 8, at + 16) !== 0) break
    open.push([log.readUInt32BE(at), log.subarray(at + 24, at + 24 + pageSize)])
    if (log.readUInt32BE(at + 4) === 0) continue
    for (const [number, page] of open) pages.set(number, page)
    open = []
  }
  return pages
}

function rowsOf(image: Image, root: number): SqliteRow[] {
  const page = image.page(root)
  const header = root === 1 ? 100 : 0
  const kind = page[header]
  const cells = page.readUInt16BE(header + 3)
  if (kind !== LEAF && kind !== INTERIOR) throw new Error(`page ${root} is no page of a table`)
  const pointers = header + (kind === LEAF ? 8 : 12)
  const at = (cell: number) => page.readUInt16BE(pointers + cell * 2)
  if (kind === LEAF) return Array.from({ length: cells }, (_, cell) => rowAt(image, page, at(cell)))
  const children = Array.from({ length: cells }, (_, cell) => page.readUInt32BE(at(cell)))
  return [...children, page.readUInt32BE(header + 8)].flatMap((child) => rowsOf(image, child))
}

function rowAt(image: Image, page: Buffer, at: number): SqliteRow {
  const size = varint(page, at)
  const rowid = varint(page, size.end)
  const most = image.pageSize - 35
  if (size.value <= most) {
    return { rowid: rowid.value, values: recordOf(page.subarray(rowid.end, rowid.end + size.value)) }
  }
  const least = Math.floor(((image.pageSize - 12) * 32) / 255) - 23
  const fitting = least + ((size.value - least) % (image.pageSize - 4))
  const local = fitting <= most ? fitting : least
  const parts = [page.subarray(rowid.end, rowid.end + local)]
  let left = size.value - local
  for (let next = page.readUInt32BE(rowid.end + local); left > 0; ) {
    const more = image.page(next)
    parts.push(more.subarray(4, 4 + Math.min(left, image.pageSize - 4)))
    left -= image.pageSize - 4
    next = more.readUInt32BE(0)
  }
  return { rowid: rowid.value, values: recordOf(Buffer.concat(parts)) }
}

function recordOf(record: Buffer): SqliteValue[] {
  const header = varint(record, 0)
  const values: SqliteValue[] = []
  let at = header.value
  for (let from = header.end; from < header.value; ) {
    const type = varint(record, from)
    from = type.end
    const size = sizeOf(type.value)
    values.push(decoded(type.value, record.subarray(at, at + size)))
    at += size
  }
  return values
}

function sizeOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2)
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type] as number
}

function decoded(type: number, bytes: Buffer): SqliteValue {
  if (type >= 12) return type % 2 === 0 ? bytes : bytes.toString('utf8')
  if (type === 0) return null
  if (type === 6) return Number(bytes.readBigInt64BE())
  if (type === 7) return bytes.readDoubleBE()
  return type >= 8 ? type - 8 : bytes.readIntBE(0, bytes.length)
}

/** Numbers of up to nine bytes; ours are all exact as numbers of JavaScript. */
function varint(bytes: Buffer, at: number): { value: number; end: number } {
  let value = 0
  for (let index = 0; index < 8; index++) {
    const byte = bytes[at + index] as number
    value = value * 128 + (byte & 127)
    if (byte < 128) return { value, end: at + index + 1 }
  }
  return { value: value * 256 + (bytes[at + 8] as number), end: at + 9 }
}
