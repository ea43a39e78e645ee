import { createGunzip, type Gunzip } from 'node:zlib'
import type { GzipEnd } from './end-of-input.ts'

export function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/**
 * Decompresses. An input that ends too early, or whose checksum is wrong, is an error. `end` says afterwards whether the
 * length that the last four bytes give is that of all the text: if not, the input has several parts, and nobody knows
 * how many there should be.
 */
export function gunzip(chunks: AsyncIterator<Buffer>): { text: AsyncIterator<Buffer>; end: () => GzipEnd } {
  const zlib = createGunzip({ chunkSize: 64 * 1024 })
  let tail = Buffer.alloc(0)
  let length = 0
  const pump = async () => {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      tail = Buffer.concat([tail, next.value.subarray(-4)]).subarray(-4)
      await written(zlib, next.value)
    }
    zlib.end()
  }
  pump().catch((error: Error) => zlib.destroy(error))
  async function* text(): AsyncGenerator<Buffer> {
    for await (const chunk of zlib as AsyncIterable<Buffer>) {
      length += chunk.length
      yield chunk
    }
  }
  return {
    text: text(),
    end: () => (tail.length === 4 && tail.readUInt32LE(0) === length % 2 ** 32 ? 'whole' : 'parts'),
  }
}

/** Resolves when the chunk is decompressed and taken: whoever reads slowly is not run over. */
async function written(zlib: Gunzip, chunk: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    zlib.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}
