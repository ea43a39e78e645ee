import type { ChangeBatch } from '../core/change.ts'
import {
  type Destination,
  type DestinationContext,
  defineDestination,
  type KeyList,
  type ObjectDeclaration,
  type ObjectRequest,
} from '../core/destination.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import { SYNC_MODE_NAMES } from '../core/sync-mode.ts'
import { checkAccess, shownOperations, templateProblems } from './http-check.ts'
import { listPages } from './http-list.ts'
import { declarationOf, refusalOf } from './http-modes.ts'
import type { HttpObject } from './http-operation-options.ts'
import { type HttpOptions, httpOptions, objectNamed } from './http-options.ts'
import { askedToWaitMs } from './http-retry-after.ts'
import { type HttpSender, httpSender } from './http-sender.ts'
import { HttpWriter } from './http-writer.ts'
import { openWebClient, type WebClient } from './web-client.ts'

/** Any API that is reached over HTTP, as its connection describes it. */
export const httpDestination = defineDestination<HttpOptions>({
  type: 'http',
  schemes: ['https', 'http'],
  options: httpOptions,
  object: (name, options) =>
    isNothing(options) ? POSSIBLE : declarationOf(knownObject(name, options), options.concurrency),
  identity: ({ baseUrl }) => baseUrl,
  pacing: (options) => ({ credential: options.shareAs ?? new URL(options.baseUrl).origin, rates: options.rates }),
  async open(options, request, context) {
    const object = knownObject(request.name, options)
    const client = await openWebClient({
      baseUrl: options.baseUrl,
      gate: context.gate,
      onRequest: context.onRequest,
      connectMs: options.connectTimeoutMs,
      headersMs: options.timeoutMs,
      bodyMs: options.timeoutMs,
      totalMs: options.timeoutMs,
      maxReplyBytes: options.maxReplyBytes,
      tls: options.tls,
      refusePrivate: !options.allowPrivateHosts,
      limits(reply) {
        const wait = reply.status === 429 ? askedToWaitMs(reply, options.retryAfter, context.clock.now()) : undefined
        return wait === undefined ? undefined : { blockedMs: wait }
      },
    })
    return new HttpDestination(options, request, context, { object, client })
  },
})

/** What an API can do at most: for lists of destinations, which ask without a connection. */
const POSSIBLE: ObjectDeclaration = {
  syncModes: SYNC_MODE_NAMES,
  limits: { rows: 100, bytes: 1_000_000, inFlight: 4 },
  shared: true,
  lists: 'paged',
  match: 'any',
  deletesAs: ['delete'],
  creates: false,
  links: true,
}

function isNothing(options: Partial<HttpOptions>): boolean {
  return options.baseUrl === undefined
}

function knownObject(name: string, options: HttpOptions): HttpObject {
  const object = objectNamed(options, name)
  const names = Object.keys(options.objects ?? {})
  if (object === undefined) {
    const message = `the connection has no object ${name}${suggestion(name, names)}; it has ${names.join(', ')}`
    throw configurationError('unknown_object', message)
  }
  const reasons = SYNC_MODE_NAMES.map((mode) => [mode, refusalOf(object, mode)] as const)
  if (reasons.every(([, reason]) => reason !== undefined)) {
    const why = reasons.map(([mode, reason]) => `${mode}: ${reason}`).join('; ')
    throw configurationError('unsupported_mode', `${name} supports no mode (${why}): declare what is missing`)
  }
  return object
}

class HttpDestination implements Destination {
  readonly #options: HttpOptions
  readonly #request: ObjectRequest
  readonly #context: DestinationContext
  readonly #object: HttpObject
  readonly #client: WebClient
  readonly #sender: HttpSender
  readonly #writer: HttpWriter
  readonly list?: (signal: AbortSignal) => KeyList

  constructor(
    options: HttpOptions,
    request: ObjectRequest,
    context: DestinationContext,
    { object, client }: { readonly object: HttpObject; readonly client: WebClient },
  ) {
    this.#options = options
    this.#request = request
    this.#context = context
    this.#object = object
    this.#client = client
    const { clock, notes } = context
    const sender = httpSender(client, options, clock)
    this.#sender = sender
    const { name, mode, match } = request
    this.#writer = new HttpWriter({ name, object, options, mode, match: match.length, sender, clock, notes })
    const { list } = object
    if (list !== undefined) this.list = (signal) => listPages({ list, object: request, options, sender, clock }, signal)
  }

  async check(signal = new AbortController().signal): Promise<readonly string[]> {
    const { name } = this.#request
    const problems = templateProblems(this.#object, this.#request)
    if (problems.length > 0) {
      const message = `the object ${name} of the connection does not fit the sync: ${problems.join('; ')}`
      throw configurationError('template_mismatch', message)
    }
    await checkAccess(this.#options, this.#sender, this.#context.clock, signal)
    const { preset } = this.#options
    const label = preset === undefined ? [] : [`the preset ${preset} was not tested against the live service`]
    return [...label, ...shownOperations(name, this.#object, this.#request, this.#options)]
  }

  async prepare(): Promise<void> {}

  async write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]> {
    return batch.count === 0 ? [] : await this.#writer.write(batch, signal)
  }

  identity(values: readonly (string | null)[]): string {
    const text = JSON.stringify(values)
    return this.#object.ignore_case ? text.toLowerCase() : text
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]()
  }
}
