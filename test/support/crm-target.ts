import type { HttpSimulatorOptions } from '../../src/simulators/http-simulator-options.ts'
import type { HubspotOptions } from '../../src/simulators/hubspot-options.ts'
import type { SalesforceOptions } from '../../src/simulators/salesforce-options.ts'
import type { FaultRule } from '../../src/simulators/simulator-faults.ts'
import type { JournalRequest, JournalWrite } from '../../src/simulators/simulator-journal.ts'
import type { SimulatorOptions } from '../../src/simulators/simulator-options.ts'
import { startSimulator } from '../../src/simulators/start-simulator.ts'
import { HTTP_PEOPLE } from './crm-http-people.ts'

/**
 * The three simulators behind one face: a model of `id`, `email`, `name` is synced to people of each of them, and what they
 * hold is read by the side door. Nothing here uses code of the destinations.
 */
export const CRM_TARGETS = [
  'hubspot by email',
  'hubspot by key',
  'salesforce collections',
  'salesforce bulk',
  'http single',
  'http batch',
  'http by email',
] as const
export type CrmTargetName = (typeof CRM_TARGETS)[number]

export interface CrmRecord {
  readonly id: string
  /** The `id` of the row; null where no row was ever written to it. */
  readonly ref: string | null
  readonly email: string | null
  readonly name: string | null
  /** A field that no sync maps. */
  readonly note: string | null
}

/** What decides which row a record is of, and how the sync is written. */
export interface CrmSync {
  readonly key: string
  readonly object: string
  readonly match: string
  readonly fields: Readonly<Record<string, string>>
  /** Of the record: `ref` or `email`. */
  readonly foundBy: 'ref' | 'email'
  /** Whether the destination's list says which rows are there. */
  readonly lists: boolean
}

export interface CrmJournal {
  readonly requests: readonly JournalRequest[]
  readonly writes: readonly JournalWrite[]
  readonly last: number
}

export interface CrmTarget extends AsyncDisposable {
  readonly name: CrmTargetName
  readonly kind: 'hubspot' | 'salesforce' | 'http'
  readonly url: string
  readonly sync: CrmSync
  /** Of a configuration. */
  connection(more?: object): { readonly type: string; readonly [option: string]: unknown }
  records(): Promise<CrmRecord[]>
  /** A record as the journal's writes tell of it. */
  read(id: string, values: Readonly<Record<string, unknown>>): CrmRecord
  /** Somebody else makes records. */
  put(records: readonly Omit<CrmRecord, 'id'>[]): Promise<void>
  journal(after?: number): Promise<CrmJournal>
  faults(rules: readonly FaultRule[], seed?: number): Promise<void>
  door(path: string, body?: unknown): Promise<unknown>
  reset(): Promise<void>
}

/** What of these requests asked for a change, whatever became of it. */
export function writingRequests({ requests }: CrmJournal): JournalRequest[] {
  const reads = /\/(batch\/read|search)(\?|$)|\/oauth2?\/|\/composite\/sobjects\/[^/]+$|\/jobs\/query/
  return requests.filter(({ method, path }) => {
    if (method === 'GET') return false
    return !(method === 'POST' && reads.test(path))
  })
}

type Raw = { readonly [name: string]: unknown }

interface Kind {
  readonly kind: CrmTarget['kind']
  readonly options: HubspotOptions & SalesforceOptions & HttpSimulatorOptions
  readonly object: string
  readonly sync: CrmSync
  connection(url: string): { readonly type: string; readonly [option: string]: unknown }
  read(raw: Raw): CrmRecord
  put(url: string, records: readonly Omit<CrmRecord, 'id'>[]): Promise<unknown>
}

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))

async function post(url: string, body: unknown, method = 'POST'): Promise<unknown> {
  const reply = await fetch(url, { method, body: JSON.stringify(body) })
  const answer = await reply.text()
  if (!reply.ok) throw new Error(`${url} was answered with ${reply.status}: ${answer}`)
  return JSON.parse(answer) as unknown
}

/** As a JSON member; null is left out. */
function given(record: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter((entry): entry is [string, string] => entry[1] !== null))
}

function hubspot(by: 'email' | 'key'): Kind {
  const fields = { email: 'email', firstname: 'name' }
  return {
    kind: 'hubspot',
    options: { burst_limit: 1_000_000, daily_limit: 100_000_000 },
    object: 'contacts',
    sync: {
      key: by === 'email' ? 'id' : 'email',
      object: 'contacts',
      match: 'email',
      fields: { ...fields, jobtitle: 'id' },
      foundBy: 'email',
      lists: by === 'key',
    },
    connection: (url) => ({ type: 'hubspot', token: 'token', base_url: url, rate: '100000/1s' }),
    read: ({ id, properties }) => {
      const { email, firstname, jobtitle, phone } = properties as Record<string, string | undefined>
      return { id: String(id), ref: text(jobtitle), email: text(email), name: text(firstname), note: text(phone) }
    },
    put: (url, records) => {
      const properties = records.map(({ ref, email, name, note }) =>
        given({ email, firstname: name, jobtitle: ref, phone: note }),
      )
      return post(`${url}/__records/contacts`, properties)
    },
  }
}

function salesforce(load: 'collections' | 'bulk'): Kind {
  return {
    kind: 'salesforce',
    options: { queue_ms: 0, batch_ms: 0, daily_limit: 10_000_000 },
    object: 'Contact',
    sync: {
      key: 'id',
      object: 'Contact',
      match: 'External_Id__c',
      fields: { External_Id__c: 'id', Email: 'email', LastName: 'name' },
      foundBy: 'ref',
      lists: true,
    },
    connection: (url) => ({
      type: 'salesforce',
      base_url: url,
      client_id: 'simulator',
      client_secret: 'simulator-secret',
      load,
    }),
    read: ({ Id, External_Id__c: ref, Email, LastName, Title }) => ({
      id: String(Id),
      ref: text(ref),
      email: text(Email),
      name: text(LastName),
      note: text(Title),
    }),
    put: (url, records) => {
      const all = records.map(({ ref, email, name, note }) =>
        given({ External_Id__c: ref, Email: email, LastName: name, Title: note }),
      )
      return post(`${url}/__records/Contact`, all)
    },
  }
}

function http(how: keyof typeof HTTP_PEOPLE): Kind {
  const byEmail = how === 'by email'
  return {
    kind: 'http',
    options: { keys: { people: [byEmail ? 'email' : 'id'] }, shuffle: true },
    object: 'people',
    sync: {
      key: 'id',
      object: 'people',
      match: byEmail ? 'email' : 'id',
      fields: byEmail ? { email: 'email', ref: 'id', name: 'name' } : { id: 'id', email: 'email', name: 'name' },
      foundBy: byEmail ? 'email' : 'ref',
      lists: !byEmail,
    },
    connection: (url) => ({
      type: 'http',
      base_url: `${url}/v1`,
      allow_private_hosts: true,
      objects: { people: HTTP_PEOPLE[how] },
    }),
    read: ({ id, fields }) => {
      const raw = fields as Readonly<Record<string, string | undefined>>
      const read = (name: string) => text(raw[name] === undefined ? null : JSON.parse(raw[name]))
      return {
        id: String(id),
        ref: read(byEmail ? 'ref' : 'id'),
        email: read('email'),
        name: read('name'),
        note: read('note'),
      }
    },
    async put(url, records) {
      for (const { ref, email, name, note } of records) {
        const key = encodeURIComponent(String(byEmail ? email : ref))
        const own = byEmail ? { ref } : ref === null ? {} : { id: Number(ref) }
        await post(`${url}/v1/people/${key}`, { ...own, ...given({ email, name, note }) }, 'PUT')
      }
    },
  }
}

const KINDS: Readonly<Record<CrmTargetName, Kind>> = {
  'hubspot by email': hubspot('email'),
  'hubspot by key': hubspot('key'),
  'salesforce collections': salesforce('collections'),
  'salesforce bulk': salesforce('bulk'),
  'http single': http('single'),
  'http batch': http('batch'),
  'http by email': http('by email'),
}

/** Starts the simulator in this process. `options` are the simulator's. */
export async function crmTarget(
  name: CrmTargetName,
  options: SimulatorOptions & HubspotOptions & SalesforceOptions & HttpSimulatorOptions = {},
): Promise<CrmTarget> {
  const kind = KINDS[name]
  const running = await startSimulator(kind.kind, { ...kind.options, ...options } as object)
  const { url } = running
  const door = async (path: string, body?: unknown) => {
    if (body !== undefined) return await post(`${url}/__${path}`, body)
    return (await (await fetch(`${url}/__${path}`)).json()) as unknown
  }
  return {
    name,
    kind: kind.kind,
    url,
    sync: kind.sync,
    connection: (more = {}) => ({ ...kind.connection(url), ...more }),
    async records() {
      const all = (await door(`records/${kind.object}`)) as Raw[]
      return all.filter((raw) => raw['IsDeleted'] !== true).map(kind.read)
    },
    read: (id, values) => kind.read({ ...values, id, Id: id, properties: values, fields: values }),
    put: async (records) => void (await kind.put(url, records)),
    journal: async (after = 0) => (await door(`journal?after=${after}`)) as CrmJournal,
    faults: async (rules, seed) => void (await door('faults', { rules, ...(seed !== undefined && { seed }) })),
    door,
    reset: async () => void (await door('reset', {})),
    [Symbol.asyncDispose]: () => running.close(),
  }
}
