import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sync } from 'rowferry'
import { startOrderService } from './order-service.ts'
import { orderSource } from './order-source.ts'

// Run it with: npx tsx examples/custom-source/main.ts

await using service = await startOrderService([
  { id: '9007199254740993', customer: 'Ada', note: null, items: '2', total: '19.90', paid: true },
  { id: '1', customer: 'Grace', note: 'by "post"', items: '1', total: '5.00', paid: false },
])
const folder = await mkdtemp(join(tmpdir(), 'rowferry-example-'))

const report = await sync(
  {
    version: 1,
    state: join(folder, 'state'),
    connections: { shop: { type: 'orders', url: service.url }, out: `file:${folder}/orders.csv` },
    syncs: {
      orders: {
        source: { connection: 'shop', table: 'orders' },
        key: 'id',
        mode: 'insert-only',
        destination: { connection: 'out', object: 'orders' },
        exclude: ['items'],
      },
    },
  },
  { sources: [orderSource] },
)

console.log(`${report.status}: ${report.counts.inserted} orders`)
process.stdout.write(await readFile(join(folder, 'orders.csv'), 'utf8'))
await rm(folder, { recursive: true })
