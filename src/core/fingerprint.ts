/**
 * Murmur3 x86 128 (Austin Appleby, public domain), of which the first 64 bits are kept. Plain JavaScript, because
 * a call into node:crypto costs more per row (1 µs and up) than the whole pipeline may.
 *
 * A fingerprint is only ever compared with the earlier fingerprint of the same key, so a change is missed with a
 * chance of 2^-64 per changed row; it is no defence against somebody who chooses row contents on purpose.
 */

const C1 = 0x239b961b
const C2 = 0xab0e9789 | 0
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93 | 0

function finalize(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/**
 * Hashes `bytes[start .. end)` into the two words `out[at]` (high) and `out[at + 1]` (low). Never 0/0, which
 * stands for "content unknown" in the key index.
 */
export function fingerprint(
  bytes: Uint8Array,
  start: number,
  end: number,
  seedHigh: number,
  seedLow: number,
  out: Uint32Array,
  at: number,
): void {
  let h1 = seedHigh | 0
  let h2 = seedLow | 0
  let h3 = seedHigh | 0
  let h4 = seedLow | 0
  let from = start
  for (const stop = end - 15; from < stop; from += 16) {
    let k1 =
      (bytes[from] as number) |
      ((bytes[from + 1] as number) << 8) |
      ((bytes[from + 2] as number) << 16) |
      ((bytes[from + 3] as number) << 24)
    let k2 =
      (bytes[from + 4] as number) |
      ((bytes[from + 5] as number) << 8) |
      ((bytes[from + 6] as number) << 16) |
      ((bytes[from + 7] as number) << 24)
    let k3 =
      (bytes[from + 8] as number) |
      ((bytes[from + 9] as number) << 8) |
      ((bytes[from + 10] as number) << 16) |
      ((bytes[from + 11] as number) << 24)
    let k4 =
      (bytes[from + 12] as number) |
      ((bytes[from + 13] as number) << 8) |
      ((bytes[from + 14] as number) << 16) |
      ((bytes[from + 15] as number) << 24)
    k1 = Math.imul(k1, C1)
    h1 ^= Math.imul((k1 << 15) | (k1 >>> 17), C2)
    h1 = (Math.imul(((h1 << 19) | (h1 >>> 13)) + h2, 5) + 0x561ccd1b) | 0
    k2 = Math.imul(k2, C2)
    h2 ^= Math.imul((k2 << 16) | (k2 >>> 16), C3)
    h2 = (Math.imul(((h2 << 17) | (h2 >>> 15)) + h3, 5) + 0x0bcaa747) | 0
    k3 = Math.imul(k3, C3)
    h3 ^= Math.imul((k3 << 17) | (k3 >>> 15), C4)
    h3 = (Math.imul(((h3 << 15) | (h3 >>> 17)) + h4, 5) + 0x96cd1c35) | 0
    k4 = Math.imul(k4, C4)
    h4 ^= Math.imul((k4 << 18) | (k4 >>> 14), C1)
    h4 = (Math.imul(((h4 << 13) | (h4 >>> 19)) + h1, 5) + 0x32ac3b17) | 0
  }
  if (from < end) {
    let k1 = 0
    let k2 = 0
    let k3 = 0
    let k4 = 0
    for (let tail = end - from; tail > 0; tail--) {
      const byte = bytes[from + tail - 1] as number
      const shift = ((tail - 1) & 3) << 3
      if (tail > 12) k4 ^= byte << shift
      else if (tail > 8) k3 ^= byte << shift
      else if (tail > 4) k2 ^= byte << shift
      else k1 ^= byte << shift
    }
    k4 = Math.imul(k4, C4)
    h4 ^= Math.imul((k4 << 18) | (k4 >>> 14), C1)
    k3 = Math.imul(k3, C3)
    h3 ^= Math.imul((k3 << 17) | (k3 >>> 15), C4)
    k2 = Math.imul(k2, C2)
    h2 ^= Math.imul((k2 << 16) | (k2 >>> 16), C3)
    k1 = Math.imul(k1, C1)
    h1 ^= Math.imul((k1 << 15) | (k1 >>> 17), C2)
  }
  const length = end - start
  h1 ^= length
  h2 ^= length
  h3 ^= length
  h4 ^= length
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = finalize(h1)
  h2 = finalize(h2)
  h3 = finalize(h3)
  h4 = finalize(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  out[at] = h1
  out[at + 1] = h1 === 0 && h2 === 0 ? 1 : h2
}
