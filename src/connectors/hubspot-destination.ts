import { type Destination, defineDestination, type ObjectDeclaration } from '../core/destination.ts'
import { readAccount, UNKNOWN_ACCOUNT } from './hubspot-account.ts'
import { hubspotBatchCalls } from './hubspot-batch-calls.ts'
import { checkObject, checkRequest } from './hubspot-check.ts'
import { inputReader } from './hubspot-inputs.ts'
import { hubspotKeys } from './hubspot-key-list.ts'
import { hubspotIdentity } from './hubspot-lookup.ts'
import { credentialOf, type HubspotOptions, hubspotOptions, rateOf } from './hubspot-options.ts'
import { type HubspotObject, readObject } from './hubspot-properties.ts'
import { refusalCounter } from './hubspot-refusals.ts'
import { openHubspot } from './hubspot-session.ts'
import { writeHubspot } from './hubspot-writer.ts'

const DECLARATION: ObjectDeclaration = {
  syncModes: ['mirror', 'upsert', 'update-only', 'delete-only', 'insert-only'],
  // 100 is HubSpot's limit for every batch call [D]; the bytes and the calls at once are what seems kind [A].
  limits: { rows: 100, bytes: 4 * 1024 * 1024, inFlight: 10 },
  shared: true,
  lists: 'paged',
  // Which properties are unique the account alone knows: the check refuses the others.
  match: 'any',
  // HubSpot knows no other delete than to archive.
  deletesAs: ['archive', 'delete'],
  creates: false,
  links: true,
  // The match is unique: a second insert meets a conflict.
  insertsAgain: 'once',
}

/** Contacts, companies, deals, tickets, products and custom objects of one HubSpot account. */
export const hubspotDestination = defineDestination<HubspotOptions>({
  type: 'hubspot',
  schemes: [],
  options: hubspotOptions,
  object: () => DECLARATION,
  identity: ({ base_url }) => `hubspot ${base_url}`,
  pacing: (options) => ({ credential: credentialOf(options), rates: [rateOf(options)] }),

  async open(options, request, context): Promise<Destination> {
    checkRequest(request)
    const [match = ''] = request.match
    const session = await openHubspot(options, context)
    const closing = new AbortController()
    const untilClosed = (signal: AbortSignal) => AbortSignal.any([closing.signal, signal])
    let reading: Promise<HubspotObject> | undefined
    // Once for a run: whoever asks next after a failure asks again.
    const object = (signal: AbortSignal) => {
      reading ??= readObject(session, request.name, signal).catch((error: unknown) => {
        reading = undefined
        throw error
      })
      return reading
    }
    let account: string | undefined
    const refusals = refusalCounter()
    let writer: Promise<ReturnType<typeof writerOf>> | undefined
    const writerOf = (known: HubspotObject) => ({
      read: inputReader(known, match),
      calls: hubspotBatchCalls(session, known.type, match, refusals),
    })
    return {
      async check(signal = closing.signal) {
        const ends = untilClosed(signal)
        const notes = checkObject(request, await object(ends))
        account ??= await readAccount(session, ends)
        return account === undefined ? [...notes, UNKNOWN_ACCOUNT] : notes
      },
      account: () => account,
      prepare: async () => {},
      async write(batch, signal) {
        signal.throwIfAborted()
        writer ??= object(untilClosed(signal)).then(writerOf)
        const { read, calls } = await writer.catch((error: unknown) => {
          writer = undefined
          throw error
        })
        return await refusals.batch(batch.count, () => writeHubspot(calls, batch, read(batch), signal))
      },
      identity: ([value]) => hubspotIdentity(match, value ?? ''),
      list: (signal) => hubspotKeys(session, () => object(untilClosed(signal)), request, signal),
      async [Symbol.asyncDispose]() {
        closing.abort(new Error('closed'))
        await session[Symbol.asyncDispose]()
      },
    }
  },
})
