import assert from 'node:assert/strict'
import type { SalesforceOptions } from '../../src/simulators/salesforce-options.ts'
import type { SimulatorOptions } from '../../src/simulators/simulator-options.ts'
import { type SimulatorAnswer, type SimulatorAtHand, withSimulator } from './simulator-behaviour.ts'

/** What a job is made of besides its data. */
export interface JobForm {
  readonly object?: string
  readonly operation?: string
  readonly externalIdFieldName?: string
  readonly lineEnding?: string
  readonly columnDelimiter?: string
}

/** A job that has ended, with the lines of its three files (as they came, the header first). */
export interface EndedJob {
  // biome-ignore lint/suspicious/noExplicitAny: what a server answers can have any shape.
  readonly info: any
  readonly path: string
  readonly successful: readonly string[]
  readonly failed: readonly string[]
  readonly unprocessed: readonly string[]
}

/** The simulator with a token; paths begin behind `/services/data/v66.0`. */
export interface Org extends SimulatorAtHand {
  readonly token: string
  signIn(): Promise<string>
  createJob(form: JobForm): Promise<SimulatorAnswer>
  put(path: string, csv: string | Uint8Array): Promise<SimulatorAnswer>
  /** Creates a job, puts the data, closes it, and waits by pushing the clock forward. */
  runJob(form: JobForm, csv: string | Uint8Array, headers?: Record<string, string>): Promise<EndedJob>
  results(path: string, file: string): Promise<string[]>
  /** The records of an object that are not deleted. */
  // biome-ignore lint/suspicious/noExplicitAny: a record can have any fields.
  records(object: string): Promise<any[]>
}

export const DATA = '/services/data/v66.0'
export const CLIENT = { client_id: 'simulator', client_secret: 'simulator-secret' }

export async function withOrg(
  options: SimulatorOptions & SalesforceOptions,
  work: (org: Org) => Promise<void>,
): Promise<void> {
  await withSimulator('salesforce', options, async (simulator) => {
    const signIn = async () => {
      const { status, body } = await askToken(simulator, { grant_type: 'client_credentials', ...CLIENT })
      assert.equal(status, 200)
      return body.access_token as string
    }
    const token = await signIn()
    const ask: Org['ask'] = (method, path, body, headers = {}) =>
      simulator.ask(method, path.startsWith('/services') ? path : DATA + path, body, {
        authorization: `Bearer ${token}`,
        ...headers,
      })
    const put: Org['put'] = async (path, csv) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/csv' }
      const reply = await fetch(`${simulator.url}${DATA}${path}/batches`, {
        method: 'PUT',
        headers,
        body: csv as string,
      })
      const text = await reply.text()
      return { status: reply.status, headers: reply.headers, body: text === '' ? '' : JSON.parse(text) }
    }
    const results: Org['results'] = async (path, file) => {
      const { status, body } = await ask('GET', `${path}/${file}`)
      assert.equal(status, 200)
      return (body as string).split(/\r?\n/).filter((line) => line !== '')
    }
    const createJob: Org['createJob'] = (form) =>
      ask('POST', '/jobs/ingest', { object: 'Contact', operation: 'insert', ...form })
    await work({
      ...simulator,
      token,
      signIn,
      ask,
      put,
      results,
      createJob,
      async runJob(form, csv, headers) {
        const created = await createJob(form)
        assert.equal(created.status, 200, JSON.stringify(created.body))
        const path = `/jobs/ingest/${created.body.id}`
        assert.equal((await put(path, csv)).status, 201)
        assert.equal((await ask('PATCH', path, { state: 'UploadComplete' }, headers)).status, 200)
        let info = (await ask('GET', path)).body
        for (let round = 0; round < 1000 && ['UploadComplete', 'InProgress'].includes(info.state); round++) {
          await simulator.door('/__clock', { ms: 50 })
          info = (await ask('GET', path)).body
        }
        const [successful, failed, unprocessed] = await Promise.all([
          results(path, 'successfulResults'),
          results(path, 'failedResults'),
          results(path, 'unprocessedrecords'),
        ])
        return { info, path, successful, failed, unprocessed }
      },
      records: (object) => simulator.door(`/__records/${object}`),
    })
  })
}

export async function askToken(
  { url }: Pick<SimulatorAtHand, 'url'>,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<SimulatorAnswer> {
  const reply = await fetch(`${url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
  })
  return { status: reply.status, headers: reply.headers, body: await reply.json() }
}

/** `records` of a request of sObject Collections. */
export function recordsOf(type: string, ...records: object[]): object[] {
  return records.map((record) => ({ attributes: { type }, ...record }))
}

/** The status code of each result; `ok` where there was no error. */
export function codesOf(body: readonly { errors: { statusCode: string }[] }[]): string[] {
  return body.map(({ errors }) => errors[0]?.statusCode ?? 'ok')
}

/** The status and the error code of a request that was refused. */
export function codeOf({ status, body }: SimulatorAnswer): [number, string] {
  return [status, body[0]?.errorCode]
}

/** Creates one contact, and answers its id. */
export async function contact({ ask }: Org, record: object = {}): Promise<string> {
  const { status, body } = await ask('POST', '/sobjects/Contact', { LastName: 'Doe', ...record })
  assert.equal(status, 201, JSON.stringify(body))
  return body.id
}

/** CSV: `External_Id__c,LastName` and `count` rows from `from` on. */
export function people(count: number, from = 0): string {
  const rows = Array.from({ length: count }, (_, at) => `k${from + at},L${from + at}`)
  return `External_Id__c,LastName\n${rows.join('\n')}\n`
}
