import type { Database } from 'better-sqlite3'
import { fingerprintRows } from '../core/fingerprint.ts'
import type { Seed } from './layer.ts'
import { isOverwritten } from './record-link-row.ts'
import { checksumOf, SEAL_BYTES } from './sealed.ts'
import { damaged } from './state-file.ts'

/** Tell the checksums of rows of the two tables apart, and of the totals; 3 are the notes. */
export const LINK = 1
export const NAME = 2
const TOTALS = 4

/** What all rows of both tables come to. */
export interface Totals {
  rows: number
  overwritten: number
  high: number
  low: number
}

/** Rows that are read at once. One by one, each would cost a few objects. */
const AT_ONCE = 256

/** Rows one behind the other: each its name, then what is under it. */
interface Rows {
  readonly bytes: Buffer
  /** The lengths of names and of the rest, in turn, as decimals. */
  readonly lengths: string
  readonly count: number
  /** Whether all is of the type and size that it was written with. */
  readonly isSound: number
  /** The checksums that stand in the rows. */
  readonly seals?: Buffer
}

// SQLite's text functions leave bytes as they are: what is glued together is a text in name only.
const glued = (sql: string) => `CAST(group_concat(${sql}, '') AS BLOB)`

const LINKS = `
  SELECT ${glued(`key || substr(data, 1, length(data) - ${SEAL_BYTES})`)} AS bytes,
    ${glued(`substr(data, -${SEAL_BYTES})`)} AS seals,
    group_concat(length(key) || ',' || (length(data) - ${SEAL_BYTES})) AS lengths, count(*) AS count,
    min(typeof(key) = 'blob' AND typeof(data) = 'blob' AND length(data) >= ${SEAL_BYTES}) AS isSound
  FROM (SELECT key, data FROM link WHERE key > ? ORDER BY key LIMIT ${AT_ONCE})`

const NAMES = `
  SELECT ${glued('name || key')} AS bytes, group_concat(length(name) || ',' || length(key)) AS lengths, count(*) AS count,
    min(typeof(name) = 'blob' AND typeof(key) = 'blob') AS isSound
  FROM (SELECT name, key FROM link_name WHERE name > ? ORDER BY name LIMIT ${AT_ONCE})`

/** The totals as they are stored: they can be believed before the tables were read. */
export function textOf({ rows, overwritten, high, low }: Totals, seed: Seed): string {
  const text = [rows, overwritten, high >>> 0, low >>> 0].join(' ')
  const sum = checksumOf(TOTALS, Buffer.alloc(0), Buffer.from(text), seed)
  return `${text} ${sum.high} ${sum.low}`
}

/**
 * How many links are marked as overwritten by the stored totals, if there are any. Throws FatalError `index_damaged` where they
 * are not what was written.
 */
export function overwrittenOf(stored: string | undefined, seed: Seed, sync: string): number | undefined {
  if (stored === undefined) return undefined
  const [rows, overwritten, high, low] = stored.split(' ').map(Number) as [number, number, number, number]
  if (textOf({ rows, overwritten, high, low }, seed) === stored) return overwritten
  throw damaged(sync, 'the sums of its record links are not what was written')
}

/** Reads both tables. Throws FatalError `index_damaged` where a row cannot be what was written. */
export function sumOf(database: Database, seed: Seed, sync: string): Totals {
  const totals = { rows: 0, overwritten: 0, high: 0, low: 0 }
  for (const [table, sql] of [
    [LINK, LINKS],
    [NAME, NAMES],
  ] as const) {
    const rowsBehind = database.prepare(sql)
    // A text, which comes before all bytes.
    let last: Buffer | '' = ''
    for (let count = AT_ONCE; count === AT_ONCE; ) {
      const rows = rowsBehind.get(last) as Rows
      count = rows.count
      if (count > 0) last = add(totals, table, rows, { last, seed, sync })
    }
  }
  return totals
}

/** Gives the last name. */
function add(
  totals: Totals,
  table: number,
  { bytes, lengths, count, isSound, seals }: Rows,
  { last, seed, sync }: { readonly last: Buffer | ''; readonly seed: Seed; readonly sync: string },
): Buffer {
  if (isSound !== 1) throw damaged(sync, 'a record link is not what was written')
  const sizes = lengths.split(',').map(Number)
  const offsets = new Uint32Array(count + 1)
  const sums = new Uint32Array(count * 2)
  let [before, from, to] = last === '' ? [bytes, 0, 0] : [last, 0, last.length]
  let isFirst = last === ''
  for (let row = 0; row < count; row++) {
    const start = offsets[row] as number
    const nameEnd = start + (sizes[row * 2] as number)
    if (!isFirst && !isBehind(bytes, start, nameEnd, before, from, to))
      throw damaged(sync, 'its record links are out of order')
    isFirst = false
    before = bytes
    from = start
    to = nameEnd
    offsets[row + 1] = nameEnd + (sizes[row * 2 + 1] as number)
    if (table === LINK && isOverwritten(bytes, nameEnd)) totals.overwritten++
  }
  if (offsets[count] !== bytes.length) throw damaged(sync, 'a record link is not what was written')
  // The length of a name is part of the seed: names of one length are hashed at once.
  for (let row = 0; row < count; ) {
    const length = sizes[row * 2] as number
    let end = row + 1
    while (end < count && sizes[end * 2] === length) end++
    const low = seed.low ^ (length << 8)
    fingerprintRows(bytes, offsets.subarray(row, end + 1), end - row, seed.high ^ table, low, sums.subarray(row * 2))
    row = end
  }
  for (let word = 0; word < count * 2; word += 2) {
    const [high, low] = [sums[word] as number, sums[word + 1] as number]
    if (seals !== undefined && (seals.readUInt32LE(word * 4) !== high || seals.readUInt32LE(word * 4 + 4) !== low))
      throw damaged(sync, 'a record link does not match its checksum')
    totals.high ^= high
    totals.low ^= low
  }
  totals.rows += count
  return Buffer.from(bytes.subarray(from, to))
}

function isBehind(bytes: Buffer, start: number, end: number, before: Buffer, from: number, to: number): boolean {
  const most = Math.min(end - start, to - from)
  for (let at = 0; at < most; at++) {
    const difference = (bytes[start + at] as number) - (before[from + at] as number)
    if (difference !== 0) return difference > 0
  }
  return end - start > to - from
}
