import type { KeyEncoding } from './column.ts'

/**
 * Dates and timestamps of PostgreSQL's ISO output (`0044-03-15 BC`, `2024-01-01 12:00:00.5+00`, `infinity`) as
 * bytes in time order, and back to the same text. Years beyond what JavaScript's Date can hold are ordinary here.
 */

const FORM = /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(\+00)?)?( BC)?$/
const MICROS_PER_DAY = 86_400_000_000

/** Bytes that a date or a timestamp takes up in a key. */
export function temporalBytes(encoding: KeyEncoding): number {
  return encoding === 'date' ? 4 : 9
}

/** Writes 4 bytes (date) or 9 (timestamps) at `out[at]`; false if the text is not of the expected form. */
export function writeTemporal(encoding: KeyEncoding, text: string, out: Buffer, at: number): boolean {
  const width = temporalBytes(encoding)
  if (text === 'infinity' || text === '-infinity') {
    out.fill(text === 'infinity' ? 0xff : 0x00, at, at + width)
    return true
  }
  const match = FORM.exec(text)
  if (match === null) return false
  const [, year, month, day, hour, minute, second, fraction, zone, era] = match
  if ((hour === undefined) !== (encoding === 'date') || (zone !== undefined) !== (encoding === 'timestamptz'))
    return false
  const days = daysFromCivil(era === undefined ? Number(year) : 1 - Number(year), Number(month), Number(day))
  out.writeUInt32BE(days + 2 ** 31, at)
  if (encoding !== 'date') {
    const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
    out.writeUIntBE(seconds * 1e6 + Number((fraction ?? '').padEnd(6, '0')), at + 4, 5)
  }
  return true
}

/** The text that {@link writeTemporal} was given. */
export function readTemporal(encoding: KeyEncoding, key: Buffer, at: number): string {
  const width = temporalBytes(encoding)
  const bytes = key.subarray(at, at + width)
  if (bytes.every((byte) => byte === 0xff)) return 'infinity'
  if (bytes.every((byte) => byte === 0x00)) return '-infinity'
  const { year, month, day } = civilFromDays(bytes.readUInt32BE(0) - 2 ** 31)
  const digits = (value: number, count: number) => String(value).padStart(count, '0')
  const era = year > 0 ? '' : ' BC'
  const date = `${digits(year > 0 ? year : 1 - year, 4)}-${digits(month, 2)}-${digits(day, 2)}`
  if (encoding === 'date') return date + era
  const micros = bytes.readUIntBE(4, 5)
  const seconds = Math.floor(micros / 1e6)
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((n) => digits(n, 2))
    .join(':')
  const fraction = micros % 1e6 === 0 ? '' : `.${digits(micros % 1e6, 6).replace(/0+$/, '')}`
  // 24:00:00 never occurs in a timestamp, so a day holds less than MICROS_PER_DAY and the text is unique.
  if (micros >= MICROS_PER_DAY) throw new RangeError('a key holds a time beyond the end of its day')
  return `${date} ${clock}${fraction}${encoding === 'timestamptz' ? '+00' : ''}${era}`
}

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days since 1970-01-01, proleptic Gregorian.
function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z = days + 719468
  const era = Math.floor(z / 146097)
  const dayOfEra = z - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthShifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthShifted + (monthShifted < 10 ? 3 : -9)
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return { year, month, day: dayOfYear - Math.floor((153 * monthShifted + 2) / 5) + 1 }
}
