import type { KeyEncoding } from './column.ts'
import { readTemporal, temporalBytes } from './key-temporal.ts'

/** The columns of a key as canonical text: what the model said, in its normal form. For deletes and messages. */
export function decodeKey(encodings: readonly KeyEncoding[], key: Buffer): string[] {
  const composite = encodings.length > 1
  const texts: string[] = []
  let at = 0
  for (const encoding of encodings) {
    switch (encoding) {
      case 'integer':
        texts.push((key.readBigUInt64BE(at) - 2n ** 63n).toString())
        at += 8
        break
      case 'uuid':
        texts.push(key.toString('hex', at, at + 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
        at += 16
        break
      case 'boolean':
        texts.push(key[at] === 1 ? 't' : 'f')
        at += 1
        break
      case 'text':
      case 'bytes': {
        const end = composite ? endMark(key, at) : key.length
        const part = composite ? unescapeZeros(key.subarray(at, end)) : key.subarray(at, end)
        texts.push(encoding === 'text' ? part.toString('utf8') : `\\x${part.toString('hex')}`)
        at = composite ? end + 2 : end
        break
      }
      default:
        texts.push(readTemporal(encoding, key, at))
        at += temporalBytes(encoding)
    }
  }
  return texts
}

function endMark(key: Buffer, from: number): number {
  let at = from
  while (key[at] !== 0 || key[at + 1] === 0xff) at += key[at] === 0 ? 2 : 1
  return at
}

function unescapeZeros(part: Buffer): Buffer {
  if (!part.includes(0)) return part
  const out = Buffer.allocUnsafe(part.length)
  let to = 0
  for (let from = 0; from < part.length; from++) {
    const byte = part[from] as number
    out[to++] = byte
    if (byte === 0) from++
  }
  return out.subarray(0, to)
}

/** A key for people: `42`, `eu / 1001`. */
export function printKey(encodings: readonly KeyEncoding[], key: Buffer): string {
  return decodeKey(encodings, key).join(' / ')
}
