import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SalesforceOptions as OrgOptions } from '../../src/simulators/salesforce-options.ts'
import type { FaultPlan } from '../../src/simulators/simulator-faults.ts'
import { startSimulator } from '../../src/simulators/start-simulator.ts'

/** A simulated org, and what tests see of it by its side door. */
export interface TestOrg extends AsyncDisposable {
  readonly url: string
  /** Options of a connection to it. */
  readonly options: { readonly base_url: string; readonly client_id: string; readonly client_secret: string }
  /** Records that are not deleted. */
  records(object: string): Promise<Record<string, unknown>[]>
  /** What was asked: `POST jobs/ingest`, without the version, the host and the query; newest last. */
  requests(): Promise<readonly OrgRequest[]>
  /** What was written. */
  writes(): Promise<readonly { readonly object: string; readonly change: string; readonly id: string }[]>
  settings(changes: Partial<OrgOptions>): Promise<void>
  faults(plan: FaultPlan): Promise<void>
  /** Moves the simulator's clock. */
  pass(ms: number): Promise<void>
  /** As if others had used up so many calls of the day. */
  spend(requests: number): Promise<void>
  /** Without a record, a job, a fault. */
  reset(): Promise<void>
  post(path: string, body: unknown): Promise<void>
}

export interface OrgRequest {
  readonly call: string
  readonly status: number
}

/** Starts one that answers without delay. */
export async function startOrg(options: OrgOptions = {}): Promise<TestOrg> {
  const running = await startSimulator('salesforce', { queue_ms: 0, batch_ms: 0, ...options })
  const get = async (path: string) => (await (await fetch(running.url + path)).json()) as unknown
  const post = async (path: string, body: unknown) => {
    const reply = await fetch(running.url + path, { method: 'POST', body: JSON.stringify(body) })
    if (!reply.ok) throw new Error(`${path} was answered with ${reply.status}: ${await reply.text()}`)
    await reply.arrayBuffer()
  }
  interface Journal {
    readonly writes: { object: string; change: string; id: string }[]
    readonly requests: { method: string; path: string; status: number }[]
  }
  return {
    url: running.url,
    options: { base_url: running.url, client_id: 'simulator', client_secret: 'simulator-secret' },
    async records(object) {
      const all = (await get(`/__records/${object}`)) as Record<string, unknown>[]
      return all.filter((record) => record['IsDeleted'] !== true)
    },
    async requests() {
      const { requests } = (await get('/__journal')) as Journal
      return requests.map(({ method, path, status }) => ({
        call: `${method} ${path.replace(/^\/services\/data\/v[\d.]+\//, '').replace(/\?.*$/, '')}`,
        status,
      }))
    },
    writes: async () => ((await get('/__journal')) as Journal).writes,
    settings: (changes) => post('/__settings', changes),
    faults: (plan) => post('/__faults', plan),
    pass: (ms) => post('/__clock', { ms }),
    spend: (requests) => post('/__limits', { window: 'daily', requests }),
    reset: () => post('/__reset', {}),
    post,
    [Symbol.asyncDispose]: () => running.close(),
  }
}

/** The same org behind a proxy that changes what it answers. */
export async function between(org: TestOrg, change: (path: string, text: string) => string): Promise<TestOrg> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...headers } = request.headers
      const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}
      const reply = await fetch(org.url + request.url, {
        method: request.method ?? 'GET',
        headers: headers as Record<string, string>,
        ...body,
      })
      const text = change(request.url ?? '', await reply.text())
      response.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? 'text/plain' })
      response.end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    ...org,
    url,
    options: { ...org.options, base_url: url },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
