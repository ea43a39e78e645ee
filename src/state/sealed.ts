import { fingerprint } from '../core/fingerprint.ts'
import type { Seed } from './layer.ts'
import { damaged } from './state-file.ts'

/** Two words of 32 bits. */
export interface Checksum {
  readonly high: number
  readonly low: number
}

/** What {@link seal} puts behind a value. */
export const SEAL_BYTES = 8
const words = new Uint32Array(2)
let scratch = Buffer.allocUnsafe(4 * 1024)

/** The checksum of a row. `table` tells rows of different tables apart that hold the same bytes. */
export function checksumOf(table: number, name: Buffer, value: Buffer, seed: Seed): Checksum {
  const length = name.length + value.length
  if (scratch.length < length) scratch = Buffer.allocUnsafe(length * 2)
  name.copy(scratch)
  value.copy(scratch, name.length)
  fingerprint(scratch, 0, length, seed.high ^ table, seed.low ^ (name.length << 8), words, 0)
  return { high: words[0] as number, low: words[1] as number }
}

/** A value as it is stored: with its checksum, which depends on the name it is stored under. */
export function seal(table: number, name: Buffer, value: Buffer, seed: Seed): { data: Buffer; sum: Checksum } {
  const sum = checksumOf(table, name, value, seed)
  const data = Buffer.allocUnsafe(value.length + SEAL_BYTES)
  value.copy(data)
  data.writeUInt32LE(sum.high, value.length)
  data.writeUInt32LE(sum.low, value.length + 4)
  return { data, sum }
}

/** The value that was sealed. Throws FatalError `index_damaged` where this is not it; what is read may be of any type. */
export function unseal(
  table: number,
  name: unknown,
  data: unknown,
  { seed, sync, what }: { readonly seed: Seed; readonly sync: string; readonly what: string },
): { value: Buffer; sum: Checksum } {
  if (Buffer.isBuffer(name) && Buffer.isBuffer(data) && data.length >= SEAL_BYTES) {
    const value = data.subarray(0, data.length - SEAL_BYTES)
    const sum = checksumOf(table, name, value, seed)
    const isIntact = data.readUInt32LE(value.length) === sum.high && data.readUInt32LE(value.length + 4) === sum.low
    if (isIntact) return { value, sum }
  }
  throw damaged(sync, `${what} does not match its checksum`)
}
