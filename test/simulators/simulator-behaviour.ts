import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Behaviour } from '../../src/simulators/simulator-behaviours.ts'
import type { SimulatorKind } from '../../src/simulators/simulator-kinds.ts'
import type { SimulatorOptions } from '../../src/simulators/simulator-options.ts'
import type { RunningSimulator } from '../../src/simulators/simulator-server.ts'
import { type OptionsOf, startSimulator } from '../../src/simulators/start-simulator.ts'

/**
 * Tests of a table of behaviours, each named by its id; fails for an id that is not in the table, and at the end of the
 * file for those that no test was for.
 */
export function behaviourTests(table: readonly Behaviour[]): (id: string, work: () => Promise<void>) => void {
  const left = new Set(table.map(({ id }) => id))
  assert.equal(left.size, table.length, 'an id stands in the table twice')
  after(() => assert.deepEqual([...left], [], 'behaviours without a test'))
  return (id, work) => {
    const found = table.find((behaviour) => behaviour.id === id) ?? assert.fail(`there is no behaviour ${id}`)
    left.delete(id)
    test(`${id}: ${found.what}`, work)
  }
}

/** What a server answered, with its body as JSON (as text where it is none). */
export interface SimulatorAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what a server answers can have any shape.
  readonly body: any
}

/** A simulator in this process, and how to talk to it. */
export interface SimulatorAtHand {
  readonly url: string
  /** A request with a token; the body is sent as JSON, a text as it is. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<SimulatorAnswer>
  /** A side door: GET without a body, else POST. */
  // biome-ignore lint/suspicious/noExplicitAny: what a server answers can have any shape.
  door(path: string, body?: unknown): Promise<any>
}

export async function withSimulator<K extends SimulatorKind>(
  kind: K,
  options: SimulatorOptions & OptionsOf[K],
  work: (simulator: SimulatorAtHand) => Promise<void>,
): Promise<void> {
  const simulator = await startSimulator(kind, options)
  try {
    await work(atHand(simulator))
  } finally {
    await simulator.close()
  }
}

function atHand({ url }: RunningSimulator): SimulatorAtHand {
  const ask: SimulatorAtHand['ask'] = async (method, path, body, headers = {}) => {
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
    const reply = await fetch(url + path, {
      method,
      headers: { authorization: 'Bearer token', 'content-type': 'application/json', ...headers },
      ...sent,
    })
    const text = await reply.text()
    return { status: reply.status, headers: reply.headers, body: parsed(text) }
  }
  return {
    url,
    ask,
    door: async (path, body) => (await ask(body === undefined ? 'GET' : 'POST', path, body)).body,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
