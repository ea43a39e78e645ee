import assert from 'node:assert/strict'
import { hubspotDestination } from '../../src/connectors/hubspot-destination.ts'
import type { Field } from '../../src/core/change.ts'
import type { KeyEncoding } from '../../src/core/column.ts'
import type { Destination, ObjectRequest } from '../../src/core/destination.ts'
import type { HubspotOptions as SimulatorOptions } from '../../src/simulators/hubspot-options.ts'
import type { FaultRule } from '../../src/simulators/simulator-faults.ts'
import { startSimulator } from '../../src/simulators/start-simulator.ts'
import { encodingOf } from '../../src/testing/contract-record.ts'
import { type TestContext, testContext } from '../../src/testing/test-context.ts'

export interface HubspotRecord {
  readonly id: string
  readonly properties: Readonly<Record<string, string>>
}

export interface JournalRequest {
  readonly n: number
  readonly method: string
  readonly path: string
  readonly status: number
}

/** An account at a simulator, as tests see it: through the side door. */
export interface HubspotAccount extends AsyncDisposable {
  readonly url: string
  records(object: string): Promise<readonly HubspotRecord[]>
  /** Creates records as a person would in the browser; answers their ids. */
  put(object: string, properties: readonly Readonly<Record<string, string>>[]): Promise<readonly string[]>
  /** The API calls so far, `POST batch/upsert 200`: the method, the last parts of the path, the status. */
  calls(): Promise<string[]>
  /** Calls any side door. */
  door(path: string, body: unknown): Promise<void>
  faults(...rules: readonly FaultRule[]): Promise<void>
  reset(): Promise<void>
  /** An open destination, with what the engine lends to it. */
  open(request: OpenRequest): Promise<Destination & { readonly context: TestContext }>
}

export interface OpenRequest extends Partial<Omit<ObjectRequest, 'fields'>> {
  readonly fields: readonly Field[]
  readonly options?: Readonly<Record<string, unknown>>
}

export async function hubspotAccount(
  options: SimulatorOptions & { readonly seed?: number } = {},
): Promise<HubspotAccount> {
  const simulator = await startSimulator('hubspot', options)
  const door = async (path: string, body: unknown) => {
    const reply = await fetch(simulator.url + path, { method: 'POST', body: JSON.stringify(body) })
    assert.equal(reply.status, 200, await reply.clone().text())
    return (await reply.json()) as Record<string, unknown>
  }
  const get = async (path: string) => (await fetch(simulator.url + path)).json()
  return {
    url: simulator.url,
    records: async (object) => (await get(`/__records/${object}`)) as HubspotRecord[],
    put: async (object, properties) => (await door(`/__records/${object}`, properties))['ids'] as string[],
    async calls() {
      const { requests } = (await get('/__journal')) as { requests: JournalRequest[] }
      return requests.map(({ method, path, status }) => {
        const [bare = ''] = path.split('?')
        const rest = bare.replace(/^\/crm\/(v3\/)?(objects\/)?([\d-]+\/)?/, '').replace(/^[^/]+\/(?=batch)/, '')
        return `${method} ${rest} ${status}`
      })
    },
    door: async (path, body) => void (await door(path, body)),
    faults: async (...rules) => void (await door('/__faults', { rules })),
    reset: async () => void (await door('/__reset', {})),
    async open({ fields, options: own = {}, ...request }) {
      const context = testContext()
      const match = request.match ?? [fields[0]?.name ?? '']
      const destination = await hubspotDestination.open(
        hubspotDestination.options.parse({ token: 'token', base_url: simulator.url, ...own }),
        {
          name: 'contacts',
          mode: 'mirror',
          match,
          keyEncodings: fields.slice(0, match.length).map(({ kind }): KeyEncoding => encodingOf(kind)),
          create: false,
          deletesAs: 'archive',
          ...request,
          fields,
        },
        context,
      )
      return Object.assign(destination, { context })
    },
    [Symbol.asyncDispose]: () => simulator.close(),
  }
}
