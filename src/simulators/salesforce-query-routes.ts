import { RestError } from './salesforce-errors.ts'
import type { FieldValue } from './salesforce-model.ts'
import { relationshipOf } from './salesforce-model.ts'
import type { SalesforceSessions } from './salesforce-oauth.ts'
import { type QueryColumn, type QueryResult, runQuery } from './salesforce-query.ts'
import type { SalesforceWorld } from './salesforce-world.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** So many results are kept for paging; the oldest goes first. */
const MOST_CURSORS = 50
const PAGE = 2000

/** `/query`, `/queryAll` (deleted records too), and the pages behind `nextRecordsUrl`. */
export function queryRoutes(
  world: SalesforceWorld,
  sessions: Pick<SalesforceSessions, 'organization'>,
): SimulatorRoute[] {
  const cursors = new Map<string, QueryResult>()
  let last = 0

  const page = (request: SimulatorRequest, id: string, result: QueryResult, from: number): SimulatorReply => {
    const { columns, rows, store } = result
    const to = Math.min(rows.length, from + pageSize(request))
    const version = request.params['version']
    const records = rows.slice(from, to).map((values) => recordBody(values, columns, store.model.name, version))
    const done = to >= rows.length
    const next = { nextRecordsUrl: `/services/data/${version}/query/${id}-${to}` }
    return { status: 200, body: { totalSize: rows.length, done, ...(done ? {} : next), records } }
  }
  /** Of all orgs there are a token sees its own. */
  const own = (request: SimulatorRequest, result: QueryResult): QueryResult => {
    if (result.store.model.name !== 'Organization') return result
    const id = sessions.organization(request)
    return { ...result, rows: result.rows.filter(([first]) => first === id) }
  }
  const start = (request: SimulatorRequest, all: boolean): SimulatorReply => {
    const soql = request.query.get('q')
    if (soql === null) throw new RestError(400, 'MALFORMED_QUERY', 'A query string has to be specified')
    const result = own(request, runQuery(world.records, soql, all))
    if (result.query.fields === undefined) {
      return { status: 200, body: { totalSize: result.rows.length, done: true, records: [] } }
    }
    const id = `01g5f${String(++last).padStart(13, '0')}`
    if (result.rows.length > pageSize(request)) {
      cursors.set(id, result)
      if (cursors.size > MOST_CURSORS) cursors.delete(cursors.keys().next().value as string)
    }
    return page(request, id, result, 0)
  }
  const more = (request: SimulatorRequest): SimulatorReply => {
    const [id = '', from = ''] = (request.params['locator'] as string).split('-')
    const result = cursors.get(id)
    if (result === undefined || !/^\d+$/.test(from)) {
      throw new RestError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
    }
    return page(request, id, result, Number(from))
  }
  const data = '/services/data/:version'
  return [
    { method: 'GET', path: `${data}/query`, handle: (request) => start(request, false) },
    { method: 'GET', path: `${data}/queryAll`, handle: (request) => start(request, true) },
    { method: 'GET', path: `${data}/query/:locator`, handle: more },
  ]
}

/** `Sforce-Query-Options: batchSize=200`: from 200 to 2,000. */
function pageSize({ headers }: SimulatorRequest): number {
  const asked = /batchSize\s*=\s*(\d+)/i.exec(String(headers['sforce-query-options'] ?? ''))?.[1]
  return asked === undefined ? PAGE : Math.min(PAGE, Math.max(200, Number(asked)))
}

function recordBody(
  values: readonly FieldValue[],
  columns: readonly QueryColumn[],
  object: string,
  version: string | undefined,
): Record<string, unknown> {
  const url = `/services/data/${version}/sobjects/${object}/${values[0]}`
  const body: Record<string, unknown> = { attributes: { type: object, url } }
  for (const { name, field, through, read } of columns) {
    if (through === undefined) body[name] = read(values)
    else {
      const relationship = relationshipOf(through)
      const parent =
        values[through.at] === null ? null : { ...(body[relationship] as object), [field.name]: read(values) }
      body[relationship] = parent
    }
  }
  return body
}
