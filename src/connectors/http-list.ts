import type { Clock } from '../core/clock.ts'
import { encodeRow } from '../core/copy-text.ts'
import type { KeyList, ObjectRequest } from '../core/destination.ts'
import { FatalError } from '../core/errors.ts'
import type { EndOfModel, RowBatch } from '../core/row-batch.ts'
import { atPointer, readJson, scalarText, timestampText } from './http-json.ts'
import { READ } from './http-lookup.ts'
import type { HttpList } from './http-operation-options.ts'
import type { HttpOptions } from './http-options.ts'
import type { HttpSender } from './http-sender.ts'
import { encoded } from './http-url-parts.ts'
import { verdictOf } from './http-verdict.ts'
import type { WebReply } from './web-client.ts'
import { unreadable } from './web-errors.ts'

const CORRECT = ': correct `list` of the object'

interface ListSettings {
  readonly list: HttpList
  readonly object: ObjectRequest
  readonly options: HttpOptions
  readonly sender: HttpSender
  readonly clock: Clock
}

/** Reads an object page by page. The end is proven where a page says that there is no further one. */
export function listPages(settings: ListSettings, signal: AbortSignal): KeyList {
  return { sorted: false, rows: pages(settings, signal) }
}

async function* pages(settings: ListSettings, signal: AbortSignal): AsyncGenerator<RowBatch> {
  const { list } = settings
  let listed = 0
  let rows = 0
  let number = 0
  let before = ''
  let at: Place | undefined = firstPlace(list)
  const visited = new Set<string>()
  while (at !== undefined) {
    const url: string = urlOf(settings, at)
    // A cursor that leads back would be read for ever.
    if (visited.has(url))
      throw new FatalError('list_incomplete', `page ${number} leads back to one that was read before${CORRECT}`)
    visited.add(url)
    const { reply, body } = await page(settings, url, signal)
    const items: unknown = atPointer(body, list.items)
    if (!Array.isArray(items)) throw unreadable(reply, `list at ${list.items}`)
    number++
    at = nextPlace(settings, at, { items, reply, body })
    const lines = items.flatMap((item, place) => lineOf(item, place, settings) ?? [])
    const text = lines.join('')
    // A service that does not know the parameter gives its first page for ever.
    if (text !== '' && text === before)
      throw new FatalError('list_incomplete', `page ${number} has the records of the page before it${CORRECT}`)
    before = text
    listed += items.length
    rows += lines.length
    yield batchOf(lines, at === undefined ? endOf(list, body, { listed, rows, number }) : undefined)
  }
}

/** Where a page is: a whole URL, or what is added to the query. */
type Place = { readonly url: string } | { readonly query: Readonly<Record<string, string>>; readonly count: number }

function firstPlace({ next }: HttpList): Place {
  if (next !== undefined && 'page' in next) return { query: { [next.page]: String(next.first) }, count: next.first }
  if (next !== undefined && 'offset' in next) return { query: { [next.offset]: '0' }, count: 0 }
  return { query: {}, count: 0 }
}

function nextPlace(
  { list: { next }, options }: ListSettings,
  at: Place,
  { items, reply, body }: { items: readonly unknown[]; reply: WebReply; body: unknown },
): Place | undefined {
  if (next === undefined) return undefined
  const count = 'count' in at ? at.count : 0
  if ('page' in next)
    return items.length === 0 ? undefined : { query: { [next.page]: String(count + 1) }, count: count + 1 }
  if ('offset' in next) {
    const offset = count + items.length
    return items.length === 0 ? undefined : { query: { [next.offset]: String(offset) }, count: offset }
  }
  if ('cursor' in next) {
    const cursor = scalarText(atPointer(body, next.cursor))
    return cursor === undefined || cursor === '' ? undefined : { query: { [next.query]: cursor }, count: 0 }
  }
  const link = next.link === 'header' ? linkHeader(reply) : scalarText(atPointer(body, next.link))
  if (link === undefined || link === '') return undefined
  const url = URL.canParse(link, `${options.baseUrl}/`) ? new URL(link, `${options.baseUrl}/`) : undefined
  if (url === undefined || url.origin !== new URL(options.baseUrl).origin) {
    throw new FatalError(
      'list_incomplete',
      `the next page is at another host, which credentials are not sent to${CORRECT}`,
    )
  }
  return { url: url.href }
}

/** `<https://…?page=2>; rel="next"` (RFC 8288). */
function linkHeader({ headers }: WebReply): string | undefined {
  return /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(headers['link'] ?? '')?.[1]
}

function urlOf({ list, options }: ListSettings, at: Place): string {
  if ('url' in at) return at.url
  const pairs = Object.entries({ ...list.query, ...at.query }).map(
    ([name, value]) => `${encoded(name)}=${encoded(String(value))}`,
  )
  return `${options.baseUrl}${list.path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
}

async function page(
  { list, options, sender, clock }: ListSettings,
  url: string,
  signal: AbortSignal,
): Promise<{ readonly reply: WebReply; readonly body: unknown }> {
  const body = list.body === undefined ? undefined : JSON.stringify(list.body)
  const headers = { ...options.headers, ...(body !== undefined && { 'content-type': 'application/json' }) }
  const reply = await sender.send({ method: list.method, url, headers, body }, signal)
  const verdict = verdictOf(reply, {
    name: 'update',
    operation: READ,
    retryAfter: options.retryAfter,
    now: clock.now(),
  })
  if (verdict.kind === 'refused')
    throw new FatalError('list_failed', `${reply.what}: ${verdict.code}: ${verdict.message}${CORRECT}`)
  const read = readJson(reply.text)
  if (read === undefined) throw unreadable(reply, 'JSON')
  return { reply, body: read.value }
}

/** The match of a record as a line of canonical text; undefined where it has none: no row can match it. */
function lineOf(item: unknown, place: number, { list, object }: ListSettings): string | undefined {
  const found = object.match.map((name) => atPointer(item, list.keys[name] ?? ''))
  if (found.includes(null)) return undefined
  const values = object.match.map((name, at) => {
    const value = found[at]
    const text = scalarText(value)
    if (text === undefined) {
      const message = `record ${place} of a page has no ${name} at ${list.keys[name]}, and a record without its match cannot be told from others`
      throw new FatalError('key_unreadable', message + CORRECT)
    }
    switch (object.fields[at]?.kind) {
      case 'boolean':
        return text === 'true' ? 't' : text === 'false' ? 'f' : text
      case 'timestamp':
        return timestampText(text)
      default:
        return text
    }
  })
  return encodeRow(values)
}

function batchOf(lines: readonly string[], end: EndOfModel | undefined): RowBatch {
  const bytes = Buffer.from(lines.join(''))
  const offsets = new Uint32Array(lines.length + 1)
  for (const [at, line] of lines.entries()) offsets[at + 1] = (offsets[at] as number) + Buffer.byteLength(line)
  return { bytes, offsets, count: lines.length, ...(end !== undefined && { end }) }
}

function endOf(
  list: HttpList,
  body: unknown,
  { listed, rows, number }: { listed: number; rows: number; number: number },
): EndOfModel {
  const total = list.total === undefined ? undefined : Number(scalarText(atPointer(body, list.total)))
  if (total !== undefined && total !== listed) {
    return { rows, proven: false, evidence: `the service says that there are ${total} records, and listed ${listed}` }
  }
  return {
    rows,
    proven: true,
    evidence: `page ${number} was the last one${total === undefined ? '' : `, ${total} records`}`,
  }
}
