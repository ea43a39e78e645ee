import { jsonReply, type RestContext } from './http-rest.ts'
import { printRecord, type StoredRecord } from './http-store.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** Records page by page, in four ways to page: a cursor, numbered pages, an offset, links. */
export function listRoutes({ store }: RestContext): readonly SimulatorRoute[] {
  return [
    { method: 'GET', path: '/v1/:object', handle: (request) => list(request, store.all(objectOf(request)) ?? []) },
  ]
}

function objectOf({ params }: SimulatorRequest): string {
  return params['object'] as string
}

function list({ query, path }: SimulatorRequest, records: readonly StoredRecord[]): SimulatorReply {
  const limit = Math.min(1000, Number(query.get('limit') ?? 10))
  const from = startOf(query, limit)
  const page = records.slice(from, from + limit)
  const end = from + page.length
  const more = end < records.length
  const next = more ? JSON.stringify(`c${end}`) : 'null'
  const link: Record<string, string> = more ? { link: `<${path}?limit=${limit}&after=c${end}>; rel="next"` } : {}
  const url = more ? JSON.stringify(`${path}?limit=${limit}&after=c${end}`) : 'null'
  return jsonReply(
    `{"items":[${page.map(printRecord).join()}],"next":${next},"next_url":${url},"total":${records.length}}`,
    link,
  )
}

function startOf(query: URLSearchParams, limit: number): number {
  const after = /^c(\d+)$/.exec(query.get('after') ?? '')?.[1]
  if (after !== undefined) return Number(after)
  if (query.has('page')) return (Number(query.get('page')) - 1) * limit
  return Number(query.get('offset') ?? 0)
}
