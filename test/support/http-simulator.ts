import { after } from 'node:test'
import type { HttpSimulatorOptions } from '../../src/simulators/http-simulator-options.ts'
import type { SimulatorOptions } from '../../src/simulators/simulator-options.ts'
import { startSimulator } from '../../src/simulators/start-simulator.ts'

/** A record as the side door shows it: each field is the text of its JSON. */
export interface SeenRecord {
  readonly id: string
  readonly key: string
  readonly fields: Readonly<Record<string, string>>
}

export interface TestSimulator {
  readonly url: string
  records(object: string): Promise<SeenRecord[]>
  /** What is stored of each record, with JSON's own scalars; numbers as they were written. */
  fields(object: string): Promise<Record<string, unknown>[]>
  requests(): Promise<{ readonly method: string; readonly path: string; readonly status: number }[]>
  door(path: string, body?: unknown): Promise<unknown>
  reset(): Promise<void>
}

/** A simulator in this process, ended with the tests of the file. */
export async function httpSimulator(options: HttpSimulatorOptions & SimulatorOptions = {}): Promise<TestSimulator> {
  const simulator = await startSimulator('http', options)
  after(() => simulator.close())
  const door = async (path: string, body?: unknown): Promise<unknown> => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    return (await fetch(`${simulator.url}/__${path}`, init)).json()
  }
  const records = async (object: string) => (await door(`records/${object}`)) as SeenRecord[]
  return {
    url: simulator.url,
    records,
    fields: async (object) => (await records(object)).map(({ fields }) => scalars(fields)),
    requests: async () => ((await door('journal')) as { requests: never[] }).requests,
    door,
    reset: async () => void (await door('reset', {})),
  }
}

function scalars(fields: Readonly<Record<string, string>>): Record<string, unknown> {
  const read = (text: string) => (/^-?\d/.test(text) ? text : (JSON.parse(text) as unknown))
  return Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, read(text)]))
}
