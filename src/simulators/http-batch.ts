import type { AskedChange, ChangeResult } from './http-change.ts'
import { keyOf } from './http-change.ts'
import { csvRows } from './http-csv.ts'
import { type RawJson, rawText, readRawJson } from './http-raw-json.ts'
import { errorOf, type RestContext } from './http-rest.ts'
import type { HttpSimulatorOptions } from './http-simulator-options.ts'
import type { SeededRandom } from './simulator-random.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

interface BatchContext extends RestContext {
  readonly options: HttpSimulatorOptions
  readonly random: SeededRandom
}

interface Asked extends AskedChange {
  /** What the client wants to have said back. */
  readonly ref: string | undefined
}

type Result = ChangeResult & { readonly index: number; readonly ref: string | undefined; readonly key: string }

/** Many records a request: with a result for each, all or none, and in other forms than JSON. */
export function batchRoutes(context: BatchContext): readonly SimulatorRoute[] {
  const { changes, options } = context
  const most = options.max_records ?? 1000
  const bytes = options.max_bytes ?? 1_000_000

  const sized = (request: SimulatorRequest, work: () => SimulatorReply) =>
    request.body.length > bytes ? errorOf(413, 'too_large', `at most ${bytes} bytes`) : work()
  const counted = (asked: readonly Asked[] | undefined, work: (asked: readonly Asked[]) => SimulatorReply) => {
    if (asked === undefined) return errorOf(400, 'no_records', 'the body has no records')
    return asked.length > most ? errorOf(400, 'too_many', `at most ${most} records`) : work(asked)
  }
  const objectOf = ({ params }: SimulatorRequest) => params['object'] as string
  const each = (request: SimulatorRequest, asked: readonly Asked[]): Result[] =>
    asked.map((one, index) => ({
      index,
      ref: one.ref,
      key: one.key,
      ...changes.apply(objectOf(request), one, request.n),
    }))

  const batch = (request: SimulatorRequest): SimulatorReply =>
    counted(askedFor(request, context), (asked) => resultsReply(each(request, asked), request, context))

  const bulk = (request: SimulatorRequest): SimulatorReply =>
    counted(askedFor(request, context), (asked) => {
      const problem = asked.map((one) => changes.problemOf(one)).find((one) => one !== undefined)
      if (problem !== undefined) return { status: 422, body: { ok: false, error: problem.error } }
      for (const one of asked) changes.apply(objectOf(request), one, request.n)
      return { status: 200, body: { ok: true } }
    })

  const lines = (request: SimulatorRequest): SimulatorReply => {
    const text = request.body.toString('utf8')
    const isCsv = (request.headers['content-type'] ?? '').startsWith('text/csv')
    const rows = isCsv ? csvRows(text) : ndjsonRows(text)
    const asked = rows?.map((members) => upsertOf(members, context.keysOf(objectOf(request))))
    return counted(asked, (all) => resultsReply(each(request, all), request, context))
  }

  const form = (request: SimulatorRequest): SimulatorReply => {
    const members = new Map<string, RawJson>()
    for (const [name, value] of new URLSearchParams(request.body.toString('utf8'))) {
      members.set(name, { text: JSON.stringify(value), members: undefined, items: undefined })
    }
    const [result] = each(request, [upsertOf(members, context.keysOf(objectOf(request)))])
    return { status: result?.error === undefined ? 200 : 422, body: { ok: result?.error === undefined, ...result } }
  }

  return [
    { method: 'POST', path: '/v1/:object/batch', handle: (request) => sized(request, () => batch(request)) },
    { method: 'POST', path: '/v1/:object/bulk', handle: (request) => sized(request, () => bulk(request)) },
    { method: 'POST', path: '/v1/:object/lines', handle: (request) => sized(request, () => lines(request)) },
    { method: 'POST', path: '/v1/:object/form', handle: (request) => sized(request, () => form(request)) },
  ]
}

function upsertOf(members: ReadonlyMap<string, RawJson>, keys: readonly string[]): Asked {
  return { operation: 'upsert', ref: undefined, key: keyOf(members, keys), set: members, setOnInsert: new Map() }
}

/** `{ operation, records: [{ ref, key, set, set_on_insert }] }`; undefined where there are no records. */
function askedFor(request: SimulatorRequest, { keysOf }: RestContext): Asked[] | undefined {
  const whole = readRawJson(request.body.toString('utf8'))
  const operation = rawText(whole?.members?.get('operation')) ?? 'upsert'
  return whole?.members?.get('records')?.items?.map((record) => {
    const given = record.members ?? new Map<string, RawJson>()
    const key = given.get('key')
    const names = keysOf(request.params['object'] as string)
    return {
      operation,
      ref: rawText(given.get('ref')),
      key: key?.members === undefined ? (rawText(key) ?? '') : keyOf(key.members, names),
      set: given.get('set')?.members ?? new Map(),
      setOnInsert: given.get('set_on_insert')?.members ?? new Map(),
    }
  })
}

/** `?reply=errors` lists what went wrong and nothing else; `?omit=N` says nothing of each Nth record, which was written. */
function resultsReply(
  results: Result[],
  { query }: SimulatorRequest,
  { options, random }: BatchContext,
): SimulatorReply {
  const failed = results.filter(({ error }) => error !== undefined)
  const status = failed.length === 0 ? 200 : 207
  if (query.get('reply') === 'errors') return { status, body: failed.length === 0 ? {} : { errors: failed } }
  const omit = Number(query.get('omit') ?? 0)
  const told = results.filter(({ index }) => omit === 0 || (index + 1) % omit !== 0)
  if (options.shuffle === true) random.shuffle(told)
  return { status, body: { results: told } }
}

function ndjsonRows(text: string): ReadonlyMap<string, RawJson>[] | undefined {
  const rows: ReadonlyMap<string, RawJson>[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const members = readRawJson(line)?.members
    if (members === undefined) return undefined
    rows.push(members)
  }
  return rows
}
