import type { KeyEncoding } from '../../src/core/column.ts'

/** The order of keys given as text, by the rules of integers and of bytes: written apart from the key encoder. */
export function compareKeyTexts(encodings: readonly KeyEncoding[], a: readonly string[], b: readonly string[]): number {
  for (const [index, encoding] of encodings.entries()) {
    const [left, right] = [a[index] as string, b[index] as string]
    if (left === right) continue
    if (encoding !== 'integer') return Buffer.compare(Buffer.from(left), Buffer.from(right))
    return BigInt(left) < BigInt(right) ? -1 : 1
  }
  return 0
}
