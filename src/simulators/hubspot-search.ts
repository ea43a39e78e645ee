import type { HubspotAccount } from './hubspot-account.ts'
import { type RecordProblem, refusal, validation } from './hubspot-errors.ts'
import { readRecord } from './hubspot-replies.ts'
import type { HubspotRecord, HubspotStore } from './hubspot-store.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'

interface Filter {
  readonly propertyName?: unknown
  readonly operator?: unknown
  readonly value?: unknown
  readonly highValue?: unknown
  readonly values?: unknown
}

const MAX_PAGE = 200
const MAX_RESULTS = 10_000
const MAX_GROUPS = 5
const MAX_FILTERS = 6
const MAX_ALL_FILTERS = 18

/** `POST …/search`: of an index that is behind by the lag. */
export function searchRecords(account: HubspotAccount, store: HubspotStore, request: SimulatorRequest): SimulatorReply {
  const body = (jsonBody(request) ?? {}) as Record<string, unknown>
  const limit = Number(body['limit'] ?? 10)
  const after = Number(body['after'] ?? 0)
  const groups = (Array.isArray(body['filterGroups']) ? body['filterGroups'] : []).map(
    (group) => ((group as { filters?: unknown } | null)?.filters ?? []) as readonly Filter[],
  )
  const problem = wrongSearch(store, limit, after, groups)
  if (problem !== undefined) return refusal(request.n, problem)
  const { clock, options } = account
  const known = store.asOf(clock.now() - options.search_lag_ms)
  const query = typeof body['query'] === 'string' ? body['query'].toLowerCase() : ''
  const matching = known.filter(
    (record) =>
      (query === '' || Object.values(record.properties).some((value) => value.toLowerCase().includes(query))) &&
      (groups.length === 0 || groups.some((filters) => filters.every((filter) => holds(store, record, filter)))),
  )
  sort(matching, body['sorts'])
  const page = matching.slice(after, after + limit)
  const asked = Array.isArray(body['properties']) ? body['properties'].map(String) : []
  const next = after + page.length
  const paging = next < matching.length ? { paging: { next: { after: String(next) } } } : {}
  const results = page.map((record) => readRecord(store.type, record, asked))
  return { status: 200, body: { total: matching.length, results, ...paging } }
}

const OPERATORS =
  'EQ NEQ LT LTE GT GTE BETWEEN IN NOT_IN HAS_PROPERTY NOT_HAS_PROPERTY CONTAINS_TOKEN NOT_CONTAINS_TOKEN'.split(' ')

function wrongSearch(
  store: HubspotStore,
  limit: number,
  after: number,
  groups: readonly (readonly Filter[])[],
): RecordProblem | undefined {
  if (!Number.isInteger(limit) || limit < 0 || limit > MAX_PAGE) return validation(`limit is at most ${MAX_PAGE}`)
  if (!Number.isInteger(after) || after < 0) return validation('after has to be what paging.next.after said')
  if (after + limit > MAX_RESULTS) return validation(`No more than ${MAX_RESULTS} results of a search can be read`)
  if (groups.length > MAX_GROUPS) return validation(`There are at most ${MAX_GROUPS} filterGroups`)
  const filters = groups.flat()
  if (groups.some((group) => group.length > MAX_FILTERS) || filters.length > MAX_ALL_FILTERS) {
    return validation(`There are at most ${MAX_FILTERS} filters in a group, and ${MAX_ALL_FILTERS} in all`)
  }
  for (const { propertyName, operator } of filters) {
    if (!store.type.properties.has(String(propertyName))) return validation(`Property "${propertyName}" does not exist`)
    if (!OPERATORS.includes(String(operator))) return validation(`There is no operator ${operator}`)
  }
  return undefined
}

function holds({ type }: HubspotStore, { properties }: HubspotRecord, filter: Filter): boolean {
  const name = String(filter.propertyName)
  const stored = properties[name]
  const kind = type.properties.get(name)?.type ?? 'string'
  const compare = (to: unknown) => (stored === undefined ? Number.NaN : compareValues(kind, stored, String(to)))
  const among = () => (Array.isArray(filter.values) ? filter.values : []).some((value) => compare(value) === 0)
  switch (filter.operator) {
    case 'EQ':
      return compare(filter.value) === 0
    case 'NEQ':
      return stored !== undefined && compare(filter.value) !== 0
    case 'LT':
      return compare(filter.value) < 0
    case 'LTE':
      return compare(filter.value) <= 0
    case 'GT':
      return compare(filter.value) > 0
    case 'GTE':
      return compare(filter.value) >= 0
    case 'BETWEEN':
      return compare(filter.value) >= 0 && compare(filter.highValue) <= 0
    case 'IN':
      return among()
    case 'NOT_IN':
      return stored !== undefined && !among()
    case 'HAS_PROPERTY':
      return stored !== undefined
    case 'NOT_HAS_PROPERTY':
      return stored === undefined
    case 'CONTAINS_TOKEN':
      return hasToken(stored, filter.value)
    default:
      return !hasToken(stored, filter.value)
  }
}

/** Numbers and times by their size, anything else as text without regard to case. */
function compareValues(kind: string, stored: string, to: string): number {
  if (kind === 'number') return Number(stored) - Number(to)
  if (kind === 'date' || kind === 'datetime')
    return Date.parse(stored) - (/^-?\d+$/.test(to) ? Number(to) : Date.parse(to))
  const [one, other] = [stored.toLowerCase(), to.toLowerCase()]
  return one === other ? 0 : one < other ? -1 : 1
}

/** A word of the value; a `*` at an end of it stands for anything. */
function hasToken(stored: string | undefined, value: unknown): boolean {
  const wanted = String(value).toLowerCase()
  const words = (stored ?? '').toLowerCase().split(/[^\p{L}\p{N}]+/u)
  const text = wanted.replace(/^\*|\*$/g, '')
  if (wanted.startsWith('*') && wanted.endsWith('*')) return (stored ?? '').toLowerCase().includes(text)
  if (wanted.endsWith('*')) return words.some((word) => word.startsWith(text))
  if (wanted.startsWith('*')) return words.some((word) => word.endsWith(text))
  return words.includes(text) || (stored ?? '').toLowerCase() === text
}

/** One property decides; without one, the order in which records were created. */
function sort(records: HubspotRecord[], sorts: unknown): void {
  const [first] = Array.isArray(sorts) ? sorts : []
  if (first === undefined) return
  const { propertyName, direction } =
    typeof first === 'string'
      ? { propertyName: first.replace(/^-/, ''), direction: first.startsWith('-') ? 'DESCENDING' : 'ASCENDING' }
      : (first as { propertyName?: string; direction?: string })
  const sign = direction === 'DESCENDING' ? -1 : 1
  const valueIn = ({ properties }: HubspotRecord) => properties[propertyName ?? ''] ?? ''
  records.sort((one, other) => {
    const [left, right] = [valueIn(one), valueIn(other)]
    const numbers = left !== '' && right !== '' ? Number(left) - Number(right) : Number.NaN
    return sign * (Number.isNaN(numbers) ? (left < right ? -1 : left > right ? 1 : 0) : numbers)
  })
}
