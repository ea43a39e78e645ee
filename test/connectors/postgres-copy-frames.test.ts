import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CopyFrames } from '../../src/connectors/postgres-copy-frames.ts'

interface Frame {
  readonly type: string
  readonly content: Buffer
}

const frame = ({ type, content }: Frame) => {
  const header = Buffer.alloc(5)
  header.write(type, 'latin1')
  header.writeInt32BE(content.length + 4, 1)
  return Buffer.concat([header, content])
}

const content = (size: number) => fc.uint8Array({ maxLength: size }).map((bytes) => Buffer.from(bytes))
const data = fc.record({ type: fc.constant('d'), content: content(300) })
const aside = fc.record({ type: fc.constantFrom('N', 'S', 'A', 'H'), content: content(20) })
const frames = fc.array(fc.oneof({ weight: 5, arbitrary: data }, { weight: 1, arbitrary: aside }), { maxLength: 30 })

/** Walks over `bytes` in chunks of these sizes, again and again. */
function walk(bytes: Buffer, sizes: readonly number[]) {
  const seen = { data: [] as Buffer[], aside: [] as Buffer[], end: undefined as Buffer | undefined }
  const walker = new CopyFrames({
    data: (part) => void seen.data.push(Buffer.from(part)),
    aside: (part) => void seen.aside.push(Buffer.from(part)),
    end: (rest) => {
      assert.equal(seen.end, undefined)
      seen.end = Buffer.from(rest)
    },
  })
  let at = 0
  for (let chunk = 0; at < bytes.length && seen.end === undefined; chunk++) {
    const to = Math.min(bytes.length, at + (sizes[chunk % sizes.length] as number))
    walker.walk(Buffer.from(bytes.subarray(at, to)))
    at = to
  }
  return { data: Buffer.concat(seen.data), aside: Buffer.concat(seen.aside), end: seen.end, rest: bytes.subarray(at) }
}

test('joins what the data frames hold, whatever comes between them and however they are cut', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 })
  const property = fc.property(frames, fc.constantFrom('c', 'E'), sizes, (list, last, cuts) => {
    const tail = Buffer.concat([frame({ type: last, content: Buffer.alloc(0) }), Buffer.from('Z\0\0\0\x05I')])
    const seen = walk(Buffer.concat([...list.map(frame), tail]), cuts)
    const of = (isData: boolean) => list.filter(({ type }) => (type === 'd') === isData)
    assert.deepEqual(seen.data, Buffer.concat(of(true).map((one) => one.content)))
    assert.deepEqual(seen.aside, Buffer.concat(of(false).map(frame)))
    assert.deepEqual(Buffer.concat([seen.end ?? Buffer.alloc(0), seen.rest]), tail)
  })
  fc.assert(property, { numRuns: 300 })
})

test('gives what the data frames of one chunk hold as one buffer, without copying it', () => {
  const chunk = Buffer.concat([1, 2, 3].map((row) => frame({ type: 'd', content: Buffer.from(`${row}\tx\n`) })))
  const parts: Buffer[] = []
  const walker = new CopyFrames({
    data: (part) => void parts.push(part),
    aside: () => assert.fail(),
    end: () => assert.fail(),
  })
  walker.walk(chunk)
  assert.deepEqual(parts.map(String), ['1\tx\n2\tx\n3\tx\n'])
  assert.equal(parts[0]?.buffer, chunk.buffer)
})
