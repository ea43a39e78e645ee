// Times the sorting stage alone, over rows that are in memory already: node sort-stage.mjs FOLDER ROWS. Needs a build in dist/.
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sorting } from '../dist/index.js'
import { UnnamedFile } from '../dist/state/unnamed-file.js'

const [folder, rows] = [process.argv[2], Number(process.argv[3])]
const BATCH_ROWS = 600
const column = (name) => ({ name, type: 'text', kind: 'text', keyEncoding: 'text' })
const layout = { key: [{ field: 0, encoding: 'text' }], extra: 0, columns: ['id', 'email', 'name', 'city'].map(column) }

const batches = []
for (let row = 0, id = 0; row < rows; ) {
  const offsets = [0]
  let text = ''
  for (; offsets.length <= BATCH_ROWS && row < rows; row++) {
    text += `user-${id}\tuser${id}@example.com\tFirst${id % 1000} Last${id % 777}\tCity ${id % 99}\n`
    offsets.push(text.length)
    id = (id + 1_000_000_007) % rows
  }
  batches.push({ bytes: Buffer.from(text), offsets: Uint32Array.from(offsets), count: offsets.length - 1 })
}
batches.push({
  bytes: Buffer.alloc(0),
  offsets: new Uint32Array(1),
  count: 0,
  end: { rows, proven: true, evidence: '' },
})

let sorted = 0
const began = performance.now()
await pipeline(
  Readable.from(batches),
  sorting(layout, { scratch: () => new UnnamedFile(join(folder, 'rows.sort'), 'bench') }),
  new Writable({
    objectMode: true,
    write(batch, _encoding, callback) {
      sorted += batch.count
      callback()
    },
  }),
)
const ms = performance.now() - began
if (sorted !== rows) throw new Error(`${sorted} rows came out of the sort`)
console.log(JSON.stringify({ ms }))
