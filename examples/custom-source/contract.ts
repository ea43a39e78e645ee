import { after, before } from 'node:test'
import { testSource } from 'rowferry/testing'
import { type OrderService, startOrderService } from './order-service.ts'
import { orderSource } from './order-source.ts'

// Run it with: npx tsx --test examples/custom-source/contract.ts

let service: OrderService

before(async () => {
  service = await startOrderService()
})
after(() => service[Symbol.asyncDispose]())

testSource({
  source: orderSource,
  options: () => ({ url: service.url }),
  model: { table: 'orders' },
  columns: { id: 'integer', customer: 'text', note: 'text', items: 'integer', total: 'decimal', paid: 'boolean' },
  row: (n) => ({
    id: String(n),
    customer: `customer ${n}`,
    note: `note ${n}`,
    items: String(n),
    total: `${n}.50`,
    paid: n % 2 === 0 ? 't' : 'f',
  }),
  fill: async (rows) => {
    service.broken = false
    service.put(
      rows.map(({ id, customer, note, items, total, paid }) => ({
        id: id ?? '',
        customer: customer ?? null,
        note: note ?? null,
        items: items ?? null,
        total: total ?? null,
        paid: paid == null ? null : paid === 't',
      })),
    )
  },
  unknownModel: { table: 'customers' },
  badOptions: () => ({ url: `${service.url}/elsewhere` }),
  breakOff: async () => {
    service.broken = true
  },
})
