import { Readable } from 'node:stream'
import type * as z from 'zod'
import { BatchRefusedError, FatalError, RetryableError, UnansweredError } from '../core/errors.ts'
import { refusal } from './salesforce-refusals.ts'
import { type RowError, systemicError } from './salesforce-row-errors.ts'
import type { SalesforceTokens } from './salesforce-tokens.ts'
import type { WebClient, WebDownload, WebReply, WebRequest } from './web-client.ts'
import { jsonOf, passingError, unreadable } from './web-errors.ts'

/** A call below `/services/data/VERSION/`. */
export interface SalesforceCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** JSON. */
  readonly body?: string
  /** CSV, read once for each attempt. */
  readonly content?: { readonly length: number; chunks(): AsyncIterable<Buffer> }
  /** What a refusal (4xx) becomes: undefined, an error that the batch has to be split, or the end of the run (default). */
  readonly refused?: 'undefined' | 'split'
}

export interface SalesforceDownload {
  readonly status: number
  header(name: string): string | undefined
  readonly body: AsyncIterable<Buffer>
}

/** Calls to one org: with a token, renewed once where it is refused, and within the day's allowance. */
export interface SalesforceSession {
  /** The JSON of the answer; null where it has no body. Throws as `WebClient` does. */
  json(call: SalesforceCall, signal: AbortSignal): Promise<unknown>
  /** A file, as it comes. */
  download(path: string, signal: AbortSignal): Promise<SalesforceDownload>
  /** Throws FatalError `daily_limit` where no new work may begin. What is under way may go on. */
  checkBudget(): void
}

export interface SessionOptions {
  readonly client: WebClient
  readonly tokens: SalesforceTokens
  readonly version: string
  readonly apiBudget: number
  readonly allowDuplicates: boolean
  now(): number
}

/** An upload may be slow: 100 MB over 1 Mbit/s take 14 minutes. */
const UPLOAD_MS = 60 * 60_000

/** Most calls at the same time: 25 that are slow is what an org allows, and 5 where it is for trials [D]. */
const MOST_CALLS = 4

export function openSession({
  client,
  tokens,
  version,
  apiBudget,
  allowDuplicates,
  now,
}: SessionOptions): SalesforceSession {
  const turn = turns(MOST_CALLS)
  let usage: { readonly used: number; readonly most: number } | undefined

  const requestOf = async (call: SalesforceCall, signal: AbortSignal, token: string): Promise<WebRequest> => {
    const { method, path, body, content } = call
    const url = `${await tokens.instanceUrl(signal)}/services/data/${version}/${path}`
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: 'application/json, text/csv' }
    if (allowDuplicates) headers['sforce-duplicate-rule-header'] = 'allowSave=true'
    if (body !== undefined) {
      headers['content-type'] = 'application/json; charset=UTF-8'
      return { method, url, headers, body, signal }
    }
    if (content === undefined) return { method, url, headers, signal }
    headers['content-type'] = 'text/csv; charset=UTF-8'
    headers['content-length'] = String(content.length)
    return {
      method,
      url,
      headers,
      signal,
      body: () => Readable.from(content.chunks(), { highWaterMark: 1 }),
      totalMs: UPLOAD_MS,
    }
  }

  /** Asks, and once more with another token where the first is not taken any more. */
  async function ask<Reply extends Pick<WebReply, 'status' | 'headers'>>(
    call: SalesforceCall,
    signal: AbortSignal,
    send: (request: WebRequest) => Promise<Reply>,
    drop: (reply: Reply) => void,
  ): Promise<Reply> {
    const once = (token: string) =>
      turn(signal, async () => {
        const reply = await send(await requestOf(call, signal, token))
        usage = usageOf(reply.headers) ?? usage
        return reply
      })
    const token = await tokens.get(signal)
    const reply = await once(token)
    if (reply.status !== 401 || !tokens.refused(token)) return reply
    drop(reply)
    return once(await tokens.get(signal))
  }

  function accepted(reply: WebReply, call: SalesforceCall): boolean {
    const { status } = reply
    if (status >= 200 && status < 300) return true
    const passing = passingError(reply, { now: now() })
    if (passing !== undefined) throw passing
    const error = refusal(reply)
    if (error.retry) throw new RetryableError(`${reply.what}: ${error.message}`)
    if (error.fatal !== undefined) throw error.fatal
    if (call.refused === 'undefined') return false
    const systemic = systemicError(error)
    if (systemic !== undefined) throw systemic
    if (call.refused === 'split' && status === 404) throw gone(error)
    if (call.refused === 'split') throw new BatchRefusedError(error.code, error.message)
    throw new FatalError(
      'salesforce_error',
      `${reply.what} was answered with status ${status} (${error.code}: ${error.message}); look the code up in the Salesforce documentation`,
    )
  }

  return {
    async json(call, signal) {
      const reply = await ask(
        call,
        signal,
        (request) => client.request(request),
        () => {},
      )
      if (!accepted(reply, call)) return undefined
      if (reply.text.trim() === '') return null
      const json = jsonOf(reply)
      if (json === undefined) throw unreadable(reply, 'JSON')
      return json
    },
    async download(path, signal) {
      const call: SalesforceCall = { method: 'GET', path }
      const reply = await ask(
        call,
        signal,
        (request) => client.download(request),
        ({ body }: WebDownload) => body.destroy(),
      )
      const { status, headers, what, body } = reply
      if (status < 200 || status >= 300) accepted({ status, headers, what, text: await textOf(body) }, call)
      return { status, header: (name) => headers[name], body }
    },
    checkBudget() {
      if (usage === undefined || usage.used < usage.most * apiBudget) return
      const share = apiBudget === 1 ? '' : `, and api_budget is ${apiBudget}`
      const message = `${usage.used} of the ${usage.most} API calls that the org has in 24 hours are used${share}; run again later, or raise the limit`
      throw new FatalError('daily_limit', message)
    },
  }
}

/** The object, or its external id, was there when the run began. */
function gone({ code, message }: RowError): FatalError {
  const advice = 'correct destination.object and match, or grant this user access to them'
  return new FatalError(
    'salesforce_refused',
    `Salesforce has nothing to write to any more (${code}: ${message}); ${advice}`,
  )
}

/** What an answer has to be: throws UnansweredError where it is something else, which proves nothing. */
export function readAs<Schema extends z.ZodType>(schema: Schema, answer: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  throw new UnansweredError(`Salesforce answered with something else than ${what}`, { cause: parsed.error })
}

/** `api-usage=10018/100000` [D]. */
export function usageOf(headers: Readonly<Record<string, string>>): { used: number; most: number } | undefined {
  const match = /(?:^|[\s;,])api-usage=(\d+)\/(\d+)/.exec(headers['sforce-limit-info'] ?? '')
  return match === null ? undefined : { used: Number(match[1]), most: Number(match[2]) }
}

/** The beginning of a text that is an error. */
async function textOf(body: WebDownload['body']): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > 64 * 1024) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Lets so many run at the same time, the others in the order in which they came. */
function turns(most: number) {
  let running = 0
  const waiting: (() => void)[] = []
  return async <Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> => {
    while (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    signal.throwIfAborted()
    running++
    try {
      return await work()
    } finally {
      running--
      waiting.shift()?.()
    }
  }
}
