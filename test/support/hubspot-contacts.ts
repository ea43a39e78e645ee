import { after, before, beforeEach } from 'node:test'
import type { Field, Operation } from '../../src/core/change.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { HubspotObjectOption } from '../../src/simulators/hubspot-options.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from './batch-field.ts'
import { type HubspotAccount, hubspotAccount, type OpenRequest } from './hubspot-account.ts'

/** Two more properties of contacts: one that is unique, and one of several options. */
export const CONTACT_PROPERTIES: Readonly<Record<string, HubspotObjectOption>> = {
  contacts: {
    properties: [
      { name: 'ext_id', unique: true },
      { name: 'tags', type: 'enumeration', field_type: 'checkbox', options: ['a', 'b', 'c'] },
    ],
  },
}

export const EMAIL = field('email')
export const NAME = field('firstname')

export interface WriteOptions extends Partial<Omit<OpenRequest, 'fields'>> {
  readonly ids?: readonly (string | undefined)[]
  /** Default: the account of the test file. */
  readonly at?: HubspotAccount
}

export interface ContactsForTests {
  /** Only inside of tests. */
  readonly account: HubspotAccount
  /** Writes one batch with a destination of its own. */
  write(
    operation: Operation,
    fields: readonly Field[],
    rows: readonly (readonly (string | null)[])[],
    options?: WriteOptions,
  ): Promise<readonly Outcome[]>
  /** The calls that are no metadata. */
  dataCalls(at?: HubspotAccount): Promise<string[]>
  /** A property of every contact, by its address. */
  stored(property?: string): Promise<Record<string, string | undefined>>
}

/** An account with contacts, for one test file; empty before each test. */
export function contactsForTests(): ContactsForTests {
  let account: HubspotAccount
  before(async () => {
    account = await hubspotAccount({ burst_limit: 100_000, objects: CONTACT_PROPERTIES })
  })
  after(() => account[Symbol.asyncDispose]())
  beforeEach(() => account.reset())
  return {
    get account() {
      return account
    },
    async write(operation, fields, rows, { ids, at = account, ...request } = {}) {
      await using destination = await at.open({ fields, ...request })
      const batch = { ...changeBatch(operation, fields, rows), ...(ids !== undefined && { ids }) }
      return await destination.write(batch, new AbortController().signal)
    },
    dataCalls: async (at = account) =>
      (await at.calls()).filter((call) => !/properties|schemas|validations/.test(call)),
    async stored(property = 'firstname') {
      const records = await account.records('contacts')
      return Object.fromEntries(records.map(({ properties }) => [properties['email'] ?? '', properties[property]]))
    },
  }
}

export const statuses = (outcomes: readonly Outcome[]) => outcomes.map(({ status }) => status)
export const idOf = (outcome: Outcome | undefined) => (outcome?.status === 'done' ? outcome.id : undefined)
