import type { Clock } from '../core/clock.ts'
import { FatalError } from '../core/errors.ts'
import { atPointer, printJson, readJson, scalarText } from './http-json.ts'
import { type HttpLookup, httpOperation, isStatus } from './http-operation-options.ts'
import type { HttpOptions } from './http-options.ts'
import { type Compiled, type Unsendable, unsendable, urlFor } from './http-request.ts'
import { keyText, keyTextAt } from './http-row-outcomes.ts'
import { fill, type Row } from './http-rows.ts'
import type { HttpSender } from './http-sender.ts'
import { readTemplate } from './http-template.ts'
import { readUrlParts } from './http-url-parts.ts'
import { verdictOf } from './http-verdict.ts'
import { unreadable } from './web-errors.ts'

/** A request that only reads: what its statuses mean where the options say nothing. */
export const READ = httpOperation.parse({ method: 'GET', response: { body: 'json' } })

/** Why it cannot be told which record is the row's. */
export interface Unfound {
  readonly code: 'match_not_unique' | 'lookup_failed'
  readonly message: string
}

/** What a lookup found: the id of the record, nothing, or why it cannot be asked for or told. */
type Found = { readonly id: string } | { readonly id: undefined } | Unsendable | Unfound

/** What a service answers where a value of the row makes no sense to it. */
const ABOUT_THE_ROW = [400, 413, 414, 422]

/** Finds the record of a row by its match. What does not carry that match is not it: many searches are fuzzy. */
export async function lookUp(
  row: Row,
  given: {
    readonly lookup: HttpLookup
    readonly options: HttpOptions
    readonly sender: HttpSender
    readonly clock: Clock
    readonly signal: AbortSignal
  },
): Promise<Found> {
  const { lookup, options, sender, clock, signal } = given
  const parts: Pick<Compiled, 'path' | 'query'> = {
    path: readUrlParts(lookup.path).parts,
    query: Object.entries(lookup.query).map(([name, value]) => [name, readUrlParts(String(value)).parts]),
  }
  const problem = unsendable(parts, row)
  if (problem !== undefined) return problem
  const body = bodyOf(lookup, row)
  const reply = await sender.send(
    {
      method: lookup.method,
      url: urlFor(options.baseUrl, parts, row),
      headers: { ...options.headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      body,
    },
    signal,
  )
  // A search that finds nothing answers with an empty list: where there is no such path, nothing was looked for.
  const nothing = lookup.not_found ?? (lookup.items === undefined ? [404] : [])
  if (isStatus(reply.status, nothing)) return { id: undefined }
  const verdict = verdictOf(reply, {
    name: 'update',
    operation: READ,
    retryAfter: options.retryAfter,
    now: clock.now(),
  })
  if (verdict.kind !== 'success') {
    const why = verdict.kind === 'refused' ? verdict.message : verdict.kind
    const message = `${reply.what} was refused (${why}): correct \`lookup\` of the object, or the match of the row`
    if (ABOUT_THE_ROW.includes(reply.status)) return { code: 'lookup_failed', message }
    throw new FatalError('lookup_failed', message)
  }
  const whole = readJson(reply.text)?.value
  const items = lookup.items === undefined ? [whole] : atPointer(whole, lookup.items)
  if (!Array.isArray(items)) throw unreadable(reply, `list at ${lookup.items}`)
  const folded = (text: string) => (lookup.ignore_case ? text.toLowerCase() : text)
  const wanted = folded(keyText(row))
  const fitting = items.filter((item) => {
    const text = keyTextAt(item, lookup.keys, row)
    return text !== undefined && folded(text) === wanted
  })
  if (fitting.length > 1) {
    const message = `${reply.what} found ${fitting.length} records with the same match: match by a field that is unique there`
    return { code: 'match_not_unique', message }
  }
  const [found] = fitting
  if (found === undefined) return { id: undefined }
  const id = scalarText(atPointer(found, lookup.record_id))
  if (id === undefined) throw unreadable(reply, `id at ${lookup.record_id}`)
  return { id }
}

function bodyOf({ body }: HttpLookup, row: Row): string | undefined {
  if (body === undefined) return undefined
  const { template } = readTemplate(body, { rows: false })
  const tree = fill(template, { operation: row.operation, rows: [row], idempotencyKey: () => '' }, row)
  return tree === undefined ? undefined : printJson(tree)
}
