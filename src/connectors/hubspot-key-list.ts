import type { KeyList, ObjectRequest } from '../core/destination.ts'
import { FatalError, UnansweredError } from '../core/errors.ts'
import type { RowBatch } from '../core/row-batch.ts'
import { RECORD_ID } from './hubspot-check.ts'
import { listOf, recordOf, textOf, unknownObject } from './hubspot-errors.ts'
import type { HubspotObject } from './hubspot-properties.ts'
import { type HubspotSession, objectOf } from './hubspot-session.ts'
import { rowBatchOf } from './row-batch-of.ts'

/** Most records of a page [D]. */
const PAGE = 100

/**
 * The match of every record that has one, page by page in the order of the record ids. Not by search: that is behind
 * what was written, and ends after 10,000 [D].
 */
export function hubspotKeys(
  session: HubspotSession,
  object: () => Promise<HubspotObject>,
  request: ObjectRequest,
  signal: AbortSignal,
): KeyList {
  return { sorted: false, rows: pages(session, object, request, signal) }
}

async function* pages(
  session: HubspotSession,
  object: () => Promise<HubspotObject>,
  { match: [match = ''], keyEncodings: [encoding] }: ObjectRequest,
  signal: AbortSignal,
): AsyncGenerator<RowBatch> {
  const { type } = await object()
  const isInteger = encoding === 'integer'
  let after: string | undefined
  const seen = new Set<string>()
  let rows = 0
  for (;;) {
    const query = new URLSearchParams({ limit: String(PAGE), properties: match, archived: 'false' })
    if (after !== undefined) query.set('after', after)
    const reply = await session.call('GET', `${session.paths.objects(type)}?${query}`, signal)
    if (reply.status === 404) throw unknownObject(type)
    const body = objectOf(reply)
    if (!Array.isArray(body['results'])) throw new UnansweredError(`${reply.what} was answered without records`)
    const keys = listOf(body['results']).flatMap((one) => {
      const { id, properties } = recordOf(one)
      const value = match === RECORD_ID ? textOf(id) : textOf(recordOf(properties)[match])
      // Whoever has no value there is no record of this sync: nothing can match it.
      return value === '' ? [] : [[isInteger ? integerKey(value, match) : value]]
    })
    rows += keys.length
    const next = recordOf(body['paging'])['next'] ?? undefined
    if (next === undefined)
      return yield rowBatchOf(keys, { rows, proven: true, evidence: 'a last page without a next one' })
    after = String(recordOf(next)['after'] ?? '')
    if (after === '') throw new UnansweredError(`${reply.what} was answered without the place of the next page`)
    if (seen.has(after)) throw new UnansweredError(`${reply.what} was answered with a page that was read before`)
    seen.add(after)
    yield rowBatchOf(keys)
  }
}

/** HubSpot keeps numbers as texts. */
function integerKey(value: string, match: string): string {
  if (/^-?(0|[1-9]\d*)$/.test(value)) return value
  const message = `a record has ${JSON.stringify(value)} in ${match}, which is no whole number as the key is: correct it, or make the key a text`
  throw new FatalError('key_unreadable', message)
}
