import { UnansweredError } from '../core/errors.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import { atPointer, messageText, scalarText, timestampText } from './http-json.ts'
import { type HttpRowRule, rowRules } from './http-operation-options.ts'
import type { HttpRequest } from './http-request.ts'
import { matchTexts, plainText, type Row } from './http-rows.ts'
import { holds, type VerdictContext } from './http-verdict.ts'
import type { WebReply } from './web-client.ts'
import { unreadable } from './web-errors.ts'

/** Most characters of an item that a report shows. */
const MOST_SHOWN = 4_000

/** What became of the rows of one request that was carried out, in the order of the rows. */
interface RowOutcomes {
  readonly outcomes: (Outcome | undefined)[]
  /** Whether an outcome is undefined: nothing was said of that row, and nobody knows. */
  readonly incomplete: boolean
}

/**
 * Reads the items of a reply. An item speaks of a row by its place, by the key of the row or by what the request gave it to
 * say back; one that speaks of none, or of one that another item speaks of in another way, is not guessed at.
 */
export function rowOutcomes(
  body: unknown,
  {
    rows,
    reply,
    request,
    context,
  }: { rows: readonly Row[]; reply: WebReply; request: HttpRequest; context: VerdictContext },
): RowOutcomes {
  const { response } = context.operation
  const outcomes: (Outcome | undefined)[] = new Array(rows.length).fill(undefined)
  let isLost = false
  for (const rule of rowRules(response.rows)) {
    const items = atPointer(body, rule.items)
    if (items === undefined || items === null) continue
    if (!Array.isArray(items)) throw unreadable(reply, `list at ${rule.items}`)
    // A list that leaves something out says nothing by its order.
    if (rule.match.by === 'index' && rule.match.path === undefined && items.length !== rows.length) {
      isLost = true
      continue
    }
    const find = finder(rule, rows)
    for (const [place, item] of items.entries()) {
      const at = find(item, place)
      const row = at === undefined ? undefined : rows[at]
      if (at === undefined || row === undefined) {
        isLost = true
        continue
      }
      const outcome = outcomeOf(item, rule, row, request, context)
      // A row with two errors has one outcome; one that is listed as landed and as refused was refused.
      if (outcomes[at] === undefined || outcomes[at].status === 'done') outcomes[at] = outcome
    }
  }
  for (const [at, row] of rows.entries()) {
    if (outcomes[at] !== undefined) continue
    // An item that could not be matched may be this row's.
    if (response.missing === 'ok' && !isLost) outcomes[at] = DONE
    else if (response.missing === 'rejected' && !isLost) outcomes[at] = notMentioned(reply, request, row)
  }
  return { outcomes, incomplete: outcomes.includes(undefined) }
}

/** Nothing is known of some rows of a request that was answered. */
export function notMentionedError(reply: WebReply, rows: number): Error {
  return new UnansweredError(
    `${reply.what} was answered with status ${reply.status}, but the reply says nothing of ${rows === 1 ? 'a row' : `${rows} rows`} ` +
      'that can be read by `response.rows`',
  )
}

function outcomeOf(
  item: unknown,
  rule: HttpRowRule,
  row: Row,
  request: HttpRequest,
  { name }: VerdictContext,
): Outcome {
  const { ok, error } = rule
  if (ok === 'always' || (ok !== 'never' && holds(ok, item))) {
    const id = rule.record_id === undefined ? undefined : scalarText(atPointer(item, rule.record_id))
    const created = rule.created === undefined ? undefined : holds(rule.created, item)
    return { status: 'done', ...(id !== undefined && { id }), ...(created !== undefined && { created }) }
  }
  const code = error.code === undefined ? undefined : messageText(atPointer(item, error.code))
  const message = error.message === undefined ? undefined : messageText(atPointer(item, error.message))
  const isOneOf = (codes: readonly unknown[]) => code !== undefined && codes.some((one) => String(one) === code)
  if (isOneOf(rule.not_found) && name === 'delete') return DONE
  if (isOneOf(rule.not_found) && name === 'update') return NOT_FOUND
  if (isOneOf(rule.exists) && name === 'insert') return EXISTS
  const said = { code: code ?? 'refused', message: message ?? code ?? 'the service says nothing more' }
  const response = JSON.stringify(item).slice(0, MOST_SHOWN)
  if (isOneOf(rule.retryable)) return { status: 'deferred', ...said, response }
  return { status: 'rejected', ...said, request: shownRequest(request, row), response }
}

function notMentioned(reply: WebReply, request: HttpRequest, row: Row): Outcome {
  const message = 'the reply does not mention this row'
  return {
    status: 'rejected',
    code: 'not_mentioned',
    message,
    request: shownRequest(request, row),
    response: shownReply(reply),
  }
}

/** What was sent for a row, without credentials. */
export function shownRequest({ method, url, bodyOf }: HttpRequest, row: Row): string {
  const body = bodyOf(row)
  return `${method} ${url}${body === undefined ? '' : `\n\n${body}`}`
}

export function shownReply({ status, text }: WebReply): string {
  return `${status}${text === '' ? '' : `\n\n${text.slice(0, MOST_SHOWN)}`}`
}

/** Answers which row an item at a place speaks of. */
function finder({ match }: HttpRowRule, rows: readonly Row[]): (item: unknown, place: number) => number | undefined {
  const { by, path } = match
  if (by === 'index') {
    if (path === undefined) return (_, place) => (place < rows.length ? place : undefined)
    return (item) => {
      const text = typeof path === 'string' ? scalarText(atPointer(item, path)) : undefined
      return text !== undefined && /^\d{1,9}$/.test(text) && Number(text) < rows.length ? Number(text) : undefined
    }
  }
  const folded = (text: string) => (match.ignore_case ? text.toLowerCase() : text)
  const places = new Map<string, number | undefined>()
  for (const [at, row] of rows.entries()) {
    const text = folded(by === 'echo' ? String(row.number) : keyText(row))
    // Which of two is meant cannot be told.
    places.set(text, places.has(text) ? undefined : at)
  }
  return (item) => {
    const wanted =
      by === 'echo'
        ? scalarText(atPointer(item, typeof path === 'string' ? path : ''))
        : keyTextAt(item, path ?? '', rows[0])
    return wanted === undefined ? undefined : places.get(folded(wanted))
  }
}

/** The match of a row as one text, in the form in which replies are compared with it. */
export function keyText(row: Row): string {
  return JSON.stringify(matchTexts(row).map((value, at) => (value === null ? null : comparable(row, at, value))))
}

export function keyTextAt(
  item: unknown,
  path: string | Readonly<Record<string, string>>,
  row: Row | undefined,
): string | undefined {
  if (row === undefined) return undefined
  const names = row.fields.slice(0, row.match).map(({ name }) => name)
  const pointers = typeof path === 'string' ? [path] : names.map((name) => path[name])
  const texts = pointers.map((pointer) => (pointer === undefined ? undefined : scalarText(atPointer(item, pointer))))
  if (texts.includes(undefined)) return undefined
  return JSON.stringify(texts.map((text, at) => comparable(row, at, text as string)))
}

/** One spelling for values that services write in another way than the source: times, decimals, booleans. */
function comparable(row: Row, at: number, text: string): string {
  const kind = row.fields[at]?.kind ?? 'text'
  if (kind === 'timestamp') return timestampText(text)
  if (kind === 'decimal' || kind === 'float') return /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, '') : text
  return plainText(kind, text)
}
