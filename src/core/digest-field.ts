import { skipFields } from './copy-text.ts'
import type { RowBatch } from './row-batch.ts'

const TAB = 9
const NEWLINE = 10
const MINUS = 45
const ZERO = 48
const WORD = 2 ** 32

/**
 * Reads the fingerprints that the source computed: field number `field` of each line, a signed integer of 64 bits in
 * decimal, into the two words `out[2 * row]` (high) and `out[2 * row + 1]` (low). Never 0/0, which stands for "content
 * unknown" in the key index. Hot: one field a row, so there is neither a string nor a BigInt.
 */
export function readDigests({ bytes, offsets, count }: RowBatch, field: number, out: Uint32Array): void {
  for (let row = 0; row < count; row++) {
    let at = skipFields(bytes, offsets[row] as number, field)
    const negative = bytes[at] === MINUS
    if (negative) at++
    let high = 0
    let low = 0
    for (let byte = bytes[at] as number; byte !== TAB && byte !== NEWLINE; byte = bytes[++at] as number) {
      const digit = byte - ZERO
      if (!(digit >= 0 && digit <= 9)) throw new TypeError('the source sent a fingerprint that is no integer')
      low = low * 10 + digit
      high = (high * 10 + Math.floor(low / WORD)) >>> 0
      low >>>= 0
    }
    if (negative) {
      high = (~high + (low === 0 ? 1 : 0)) >>> 0
      low = -low >>> 0
    }
    out[row * 2] = high
    out[row * 2 + 1] = high === 0 && low === 0 ? 1 : low
  }
}
