import { once } from 'node:events'
import { createServer } from 'node:http'

/** An order as the service sends it. Numbers that JavaScript could not hold are texts. */
export interface Order {
  readonly id: string
  readonly customer: string | null
  readonly note: string | null
  readonly items: string | null
  readonly total: string | null
  readonly paid: boolean | null
}

/** A small HTTP service that hands out orders by pages, by id. It stands for the system that you want to read from. */
export interface OrderService extends AsyncDisposable {
  readonly url: string
  /** Replaces all orders. */
  put(orders: readonly Order[]): void
  /** From now on, every request ends in a connection that is reset. */
  broken: boolean
}

const PAGE = 500

export async function startOrderService(orders: readonly Order[] = []): Promise<OrderService> {
  let sorted: readonly Order[] = []
  let version = 0
  const server = createServer((request, response) => {
    if (service.broken) return void request.socket.resetAndDestroy()
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (url.pathname !== '/orders') return void response.writeHead(404).end('{}')
    const from = Number(url.searchParams.get('from') ?? 0)
    const page = sorted.slice(from, from + PAGE)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ version, count: sorted.length, orders: page }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const service: OrderService = {
    url: `http://127.0.0.1:${port}`,
    broken: false,
    put(all) {
      sorted = [...all].sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
      version++
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  service.put(orders)
  return service
}
