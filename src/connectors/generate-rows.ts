import type { RowBatch } from '../core/row-batch.ts'
import { CITIES, FIRST_NAMES, LAST_NAMES, PLANS } from './generate-columns.ts'
import type { GenerateOptions } from './generate-options.ts'
import { copyWord, WORD_BYTES, wordsOf, writeHex, writePadded, writeShort, writeWord } from './generate-text.ts'
import { type Generation, generationOf } from './generation.ts'

const BATCH_BYTES = 64 * 1024
/** No row is longer, whatever its columns: the texts are ours. */
const MOST_ROW_BYTES = 512
/** Digits of the longest row number. */
const WIDTH = 10
const TAB = 9
const NEWLINE = 10
const DASH = 45
const DOT = 46

/** What the first uuid and the first version of a row are dated: milliseconds since 1970. */
const FIRST_MS = Date.UTC(2024, 0, 1)
const DAY_MS = 86_400_000

/** Rows of one generation in key order, batch by batch. */
export interface GeneratedRows extends Generation {
  /** The next rows; none at the end. */
  next(): RowBatch
}

const FIRST = wordsOf(FIRST_NAMES)
const LAST = wordsOf(LAST_NAMES)
const LOWER_FIRST = wordsOf(FIRST_NAMES.map((name) => `${name.toLowerCase()}.`))
const LOWER_LAST = wordsOf(LAST_NAMES.map((name) => `${name.toLowerCase()}.`))
const CITY = wordsOf(CITIES)
const PLAN = wordsOf(PLANS)
const DOMAIN = wordsOf(['@example.com'])
const NULL = wordsOf(['\\N'])
const TIME = wordsOf([' hh:mm:ss.ff', 'ffff+00'])

/**
 * The rows with these fields, which are numbers of columns; at most `limit` of them. One of the hot files: bytes go
 * into the batch as they are made, nothing is allocated for a row, and the fields are cases of one switch, which costs
 * half of what a function a field does.
 */
export function generatedRows(
  options: GenerateOptions,
  fields: readonly number[],
  limit = Number.POSITIVE_INFINITY,
): GeneratedRows {
  const generation = generationOf(options)
  const { key } = options
  const { original, step, gone, version, further } = generation
  const seed = mixed(options.seed ^ 0x9e3779b9)
  // A changed row has another date, so that it differs for certain.
  const dates = wordsOf([version, version + 1, 0].map((days) => dateOf(days)))
  const asked = Uint8Array.from(fields)
  const offsets = new Uint32Array(BATCH_BYTES + 2)
  /** The number of the current row, counting from 1, in decimal, and its first digit that is not a leading zero. */
  const digits = new Uint8Array(WIDTH + WORD_BYTES).fill(48)
  const number = new DataView(digits.buffer)
  let firstDigit = WIDTH - 1
  let lastRow = -1
  let lastRank = generation.start
  let left = Math.min(limit, generation.rows)

  /** Counts one further. */
  function count(): void {
    let digit = WIDTH - 1
    for (; digits[digit] === 57; digit--) digits[digit] = 48
    digits[digit] = (digits[digit] as number) + 1
    if (digit < firstDigit) firstDigit = digit
  }

  function next(): RowBatch {
    const bytes = Buffer.allocUnsafeSlow(BATCH_BYTES + MOST_ROW_BYTES)
    const out = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = 0
    let made = 0
    let row = lastRow
    let rank = lastRank
    for (; at < BATCH_BYTES && left > 0; left--) {
      do {
        row++
        count()
        rank += step
        if (rank >= original) rank -= original
      } while (row < original && rank < gone)
      // New rows never change, the others in turn.
      const age = row >= original ? 2 : rank >= further ? 1 : 0
      const lasting = mixed(row ^ seed)
      const changing = mixed(lasting + Math.imul(age === 2 ? 0 : version + age, 0x85ebca6b))
      for (let field = 0; field < asked.length; field++) {
        if (field > 0) out.setUint8(at++, TAB)
        switch (asked[field]) {
          case 0:
            if (key === 'uuid') at = writeUuid(FIRST_MS + row, lasting, mixed(lasting ^ seed), out, at)
            else at = writeNumber(number, key === 'text' ? 0 : firstDigit, out, at)
            break
          case 1:
            at = writeWord(LOWER_FIRST, lasting & 63, out, at)
            at = writeWord(LOWER_LAST, (lasting >>> 6) & 63, out, at)
            at = writeNumber(number, firstDigit, out, at)
            at = writeWord(DOMAIN, 0, out, at)
            break
          case 2:
            at = writeWord(FIRST, lasting & 63, out, at)
            break
          case 3:
            at = writeWord(LAST, (lasting >>> 6) & 63, out, at)
            break
          case 4:
            at = writeWord(CITY, (lasting >>> 12) & 31, out, at)
            break
          case 5:
            at = writeWord(PLAN, changing & 3, out, at)
            break
          case 6:
            if ((changing & 0xf0) === 0) at = writeWord(NULL, 0, out, at)
            else at = writeAmount((changing >>> 8) % 1_000_000, out, at)
            break
          case 7:
            at = writeShort(1 + ((changing >>> 9) % 500), out, at)
            break
          case 8:
            out.setUint8(at++, (changing & 4) === 0 ? 102 : 116)
            break
          case 9:
            at = writeWord(dates, age, out, at)
            at = writeTime(lasting, changing, out, at)
            break
        }
      }
      out.setUint8(at++, NEWLINE)
      offsets[++made] = at
    }
    lastRow = row
    lastRank = rank
    return { bytes: bytes.subarray(0, at), offsets: offsets.slice(0, made + 1), count: made }
  }

  return { ...generation, next }
}

function writeNumber(number: DataView, from: number, out: DataView, at: number): number {
  copyWord(number, from, out, at)
  return at + WIDTH - from
}

/** Version 7: the time comes first, a millisecond a row, and so they are in order. */
function writeUuid(time: number, word: number, more: number, out: DataView, at: number): number {
  const high = Math.floor(time / 65536)
  writeHex(high, 8, out, at)
  out.setUint8(at + 8, DASH)
  writeHex(time - high * 65536, 4, out, at + 9)
  out.setUint8(at + 13, DASH)
  writeHex(0x7000 | (word & 0xfff), 4, out, at + 14)
  out.setUint8(at + 18, DASH)
  writeHex(0x8000 | ((word >>> 12) & 0x3fff), 4, out, at + 19)
  out.setUint8(at + 23, DASH)
  writeHex(word >>> 16, 4, out, at + 24)
  return writeHex(more, 8, out, at + 28)
}

function writeAmount(cents: number, out: DataView, at: number): number {
  const whole = (cents / 100) | 0
  const to = writeShort(whole, out, at)
  out.setUint8(to, DOT)
  return writePadded(cents - whole * 100, 2, out, to + 1)
}

/** ` 08:13:21.231889+00`. Postgres prints no zeros at the end of a fraction, and so there must be none here. */
function writeTime(word: number, more: number, out: DataView, at: number): number {
  copyWord(TIME.view, 0, out, at)
  copyWord(TIME.view, WORD_BYTES, out, at + WORD_BYTES)
  writePadded((word >>> 17) % 24, 2, out, at + 1)
  writePadded((word >>> 22) % 60, 2, out, at + 4)
  writePadded((more >>> 12) % 60, 2, out, at + 7)
  writePadded((more >>> 5) % 100_000, 5, out, at + 10)
  out.setUint8(at + 15, 49 + ((word >>> 3) % 9))
  return at + 19
}

function dateOf(days: number): string {
  return new Date(FIRST_MS + days * DAY_MS).toISOString().slice(0, 10)
}

/** The finalizer of murmur3: every bit of the word has a say in every bit of the result. */
function mixed(word: number): number {
  let hash = word | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
