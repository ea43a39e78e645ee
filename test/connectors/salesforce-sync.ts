import { salesforceDestination } from '../../src/connectors/salesforce-destination.ts'
import { salesforceOptions } from '../../src/connectors/salesforce-options.ts'
import type { Field, Operation } from '../../src/core/change.ts'
import type { Destination, DestinationContext, ObjectRequest } from '../../src/core/destination.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { RequestGate } from '../../src/core/request-gate.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { testContext } from '../../src/testing/test-context.ts'
import type { TestOrg } from './salesforce-org.ts'

/** An object of which two fields hold texts, and one finds records. */
export const THING = {
  name: 'Thing__c',
  keyPrefix: 'a02',
  fields: [
    { name: 'Key__c', type: 'string', externalId: true, unique: true, required: true },
    { name: 'Name__c', type: 'string', length: 80 },
    { name: 'Size__c', type: 'double', precision: 10, scale: 2 },
    { name: 'Loose__c', type: 'string', externalId: true },
    { name: 'Owner__c', type: 'reference', referenceTo: ['Account'] },
  ],
} as const

type Row = readonly (string | null)[]

/** A destination object that is open, and a way to write to it that waits. */
export interface OpenThing extends AsyncDisposable {
  readonly destination: Destination
  readonly context: DestinationContext
  /** Gives the rows in batches of 2,000 at most, and says that it waits. `ids` are by row. */
  write(operation: Operation, rows: readonly Row[], ids?: readonly (string | undefined)[]): Promise<Outcome[]>
}

export interface ThingOptions {
  readonly options?: Readonly<Record<string, unknown>>
  readonly context?: Partial<DestinationContext>
  readonly request?: Partial<ObjectRequest>
  /** Default: `Key__c` and `Name__c`. */
  readonly fields?: readonly (string | Partial<Field>)[]
}

export function thingFields(names: readonly (string | Partial<Field>)[] = ['Key__c', 'Name__c']): Field[] {
  return names.map((one) => {
    const rule = typeof one === 'string' ? { name: one } : one
    return { name: '', kind: 'text', type: 'text', nulls: 'write', on: 'always', ...rule }
  })
}

/** Opened only. */
export async function openThing(org: TestOrg, given: ThingOptions = {}): Promise<OpenThing> {
  const context = testContext(given.context)
  const fields = thingFields(given.fields)
  const request: ObjectRequest = {
    name: 'Thing__c',
    mode: 'upsert',
    fields,
    match: [fields[0]?.name ?? ''],
    keyEncodings: ['text'],
    create: false,
    deletesAs: 'delete',
    ...given.request,
  }
  const options = salesforceOptions.parse({ ...org.options, ...given.options })
  const destination = await salesforceDestination.open(options, request, context)
  return {
    destination,
    context,
    async write(operation, rows, ids) {
      const sent = operation === 'delete' ? fields.slice(0, 1) : fields
      const writing: Promise<readonly Outcome[]>[] = []
      for (let from = 0; from < rows.length; from += 2_000) {
        const batch = changeBatch(operation, sent, rows.slice(from, from + 2_000))
        const some = ids?.slice(from, from + 2_000)
        writing.push(destination.write(some === undefined ? batch : { ...batch, ids: some }, never))
      }
      destination.flush?.()
      return (await Promise.all(writing)).flat()
    },
    [Symbol.asyncDispose]: () => destination[Symbol.asyncDispose](),
  }
}

/** Opened, checked and prepared, as the engine does. */
export async function beginThing(org: TestOrg, given: ThingOptions = {}): Promise<OpenThing> {
  const thing = await openThing(org, given)
  try {
    await thing.destination.check()
    await thing.destination.prepare()
    return thing
  } catch (error) {
    await thing[Symbol.asyncDispose]()
    throw error
  }
}

const never: AbortSignal = new AbortController().signal

export const keys = (count: number, from = 0): string[][] =>
  Array.from({ length: count }, (_, index) => [`key ${from + index}`, `name ${from + index}`])

/** A process that is killed before its request number `after + 1`: nothing leaves it any more. */
export function dyingGate(after: number): RequestGate & { readonly passed: number } {
  let passed = 0
  return {
    get passed() {
      return passed
    },
    async enter(signal) {
      signal.throwIfAborted()
      if (passed >= after) throw new Error('killed')
      passed++
      return { leave() {} }
    },
  }
}
