import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { RowBatch } from '../../src/core/row-batch.ts'
import type { ScratchFile } from '../../src/core/scratch-file.ts'
import { sorting } from '../../src/pipeline/sorting.ts'
import { UnnamedFile } from '../../src/state/unnamed-file.ts'
import { ID_AND_V, provenEnd, type Row, rowBatch, rowBatches } from '../support/row-batches.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Little enough memory that a few hundred rows fill it. */
const LITTLE = 16 * 1024

/** A stage whose file is in a folder of its own, and fails as told. */
function stageIn(folder: string, fault?: (operation: 'append' | 'read') => void) {
  let open = 0
  const scratch = (): ScratchFile => {
    const file = new UnnamedFile(`${folder}/users.sort`, 'users')
    open++
    return {
      get length() {
        return file.length
      },
      append(bytes) {
        fault?.('append')
        file.append(bytes)
      },
      read(into, position) {
        fault?.('read')
        file.read(into, position)
      },
      [Symbol.dispose]() {
        open = 0
        file[Symbol.dispose]()
      },
    }
  }
  return { stage: sorting(ID_AND_V, { scratch, memory: LITTLE }), openFiles: () => open }
}

const MANY: readonly Row[] = Array.from({ length: 5000 }, (_, at): Row => [String((at * 7919) % 5000), 'some text'])

for (const operation of ['append', 'read'] as const) {
  test(`a disk that fails at ${operation} stops the run, and nothing stays behind`, async () => {
    using folder = temporaryFolder()
    const { stage, openFiles } = stageIn(folder.path, (which) => {
      if (which === operation) throw new Error('the disk is on fire')
    })
    const sink = new Writable({ objectMode: true, write: (_batch, _encoding, callback) => callback() })
    await assert.rejects(pipeline(Readable.from(rowBatches(MANY, 100)), stage, sink), /on fire/)
    assert.equal(openFiles(), 0)
    assert.deepEqual(readdirSync(folder.path), [])
  })
}

test('stopped while it gathers, or while it sends, it closes its files', async () => {
  for (const stopAt of ['gathering', 'sending'] as const) {
    using folder = temporaryFolder()
    const { stage, openFiles } = stageIn(folder.path)
    const controller = new AbortController()
    const batches = rowBatches(MANY, 100)
    async function* source(): AsyncGenerator<RowBatch> {
      yield* batches.slice(0, -1)
      assert.equal(openFiles(), 1)
      if (stopAt === 'gathering') controller.abort()
      yield batches.at(-1) as RowBatch
    }
    const sink = new Writable({
      objectMode: true,
      write(_batch, _encoding, callback) {
        controller.abort()
        callback()
      },
    })
    await assert.rejects(pipeline(Readable.from(source()), stage, sink, { signal: controller.signal }), {
      name: 'AbortError',
    })
    assert.equal(openFiles(), 0)
  }
})

test('holds no more than its memory, however many rows there are', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  const memory = 4 * 1024 * 1024
  const line = Buffer.from('x'.repeat(100))
  function* batches(): Generator<RowBatch> {
    for (let batch = 0; batch < 400; batch++) {
      yield rowBatch(Array.from({ length: 500 }, (_, row) => [String((batch * 500 + row) * 7919), String(line)]))
      if (batch % 50 !== 49) continue
      collect()
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    yield rowBatch([], provenEnd(200_000))
  }
  using folder = temporaryFolder()
  let rows = 0
  const sink = new Writable({
    objectMode: true,
    write(batch: RowBatch, _encoding, callback) {
      rows += batch.count
      if (rows % 50_000 < batch.count) {
        collect()
        most = Math.max(most, process.memoryUsage().arrayBuffers - before)
      }
      callback()
    },
  })
  const scratch = () => new UnnamedFile(folder.file('users.sort'), 'users')
  await pipeline(Readable.from(batches(), { highWaterMark: 1 }), sorting(ID_AND_V, { scratch, memory }), sink)
  assert.equal(rows, 200_000)
  // Beside its memory there are the batches on their way, what they are copied through, and what V8 has not let go of
  // yet: half of all there is would be too much.
  assert.ok(most < memory * 3, `${most} bytes of 24 MB were held`)
})
