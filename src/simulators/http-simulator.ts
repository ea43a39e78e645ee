import { createHash } from 'node:crypto'
import { httpAccess } from './http-access.ts'
import { batchRoutes } from './http-batch.ts'
import { changes } from './http-change.ts'
import { listRoutes } from './http-pages.ts'
import { errorOf, type RestContext, restRoutes } from './http-rest.ts'
import { HTTP_OPTION_CHECKS, type HttpSimulatorOptions } from './http-simulator-options.ts'
import { httpStore } from './http-store.ts'
import { vendorRoutes } from './http-vendors.ts'
import type { SimulatorReply, SimulatorRequest, SimulatorRequestHead } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'
import type { DefineSimulator, SimulatorContext } from './simulator-world.ts'

/** How long a reply is given again for the same idempotency key. */
const REMEMBERED_MS = 24 * 3_600_000

/** A REST API that keeps records, and the shapes of six known ones below `/customerio`, `/braze` and so on. */
export const HTTP = {
  options: HTTP_OPTION_CHECKS,
  define:
    (options: HttpSimulatorOptions): DefineSimulator =>
    (context) => {
      const { clock, random } = context
      const store = httpStore(context, options.search_lag_ms ?? 0)
      const access = httpAccess(options.auth, clock)
      const rest: RestContext = {
        store,
        changes: changes(store),
        clock,
        keysOf: (object) => options.keys?.[object] ?? ['id'],
      }
      const remembered = idempotency(context)
      const guarded = [
        ...restRoutes(rest),
        ...batchRoutes({ ...rest, options, random: random.fork('results') }),
        ...listRoutes(rest),
        ...vendorRoutes({ store, clock }),
        ...oddRoutes(),
      ].map((route) => ({ ...route, handle: signed(route, access.admitBody, remembered) }))
      const windows = (options.limits ?? []).map(({ requests, ms }, at) => {
        return { name: `limit-${at}`, kind: 'rolling' as const, requests, ms }
      })
      const limits = context.limits(windows)
      return {
        routes: [...access.routes, ...guarded],
        admit(head) {
          const full = limits.arrive(head.n, head.time)
          if (full !== undefined) return tooMany(limits.use(full.name, head.time).freeInMs, head, options)
          return access.admit(head)
        },
        errorReply: (status) => errorOf(status, `status_${status}`, 'as you like it'),
        records: (object) =>
          store.all(object)?.map(({ id, key, fields }) => ({ id, key, fields: Object.fromEntries(fields) })) ?? [],
      }
    },
}

function tooMany(
  ms: number,
  { time }: SimulatorRequestHead,
  { retry_after: form }: HttpSimulatorOptions,
): SimulatorReply {
  const reply = errorOf(429, 'too_many_requests', 'slow down')
  const seconds = String(Math.ceil(ms / 1000))
  const headers: Record<string, string> =
    form === 'none'
      ? {}
      : form === 'epoch'
        ? { 'x-ratelimit-reset': String(Math.ceil((time + ms) / 1000)) }
        : { 'retry-after': form === 'date' ? new Date(Math.ceil((time + ms) / 1000) * 1000).toUTCString() : seconds }
  return { ...reply, headers }
}

type Remember = (
  request: SimulatorRequest,
  work: () => SimulatorReply | Promise<SimulatorReply>,
) => Promise<SimulatorReply>

/** Looks at signatures, and at idempotency keys. */
function signed(
  { handle }: SimulatorRoute,
  admitBody: (request: SimulatorRequest) => SimulatorReply | undefined,
  remember: Remember,
): SimulatorRoute['handle'] {
  return (request) => {
    const refusal = admitBody(request)
    if (refusal !== undefined) return refusal
    return request.headers['idempotency-key'] === undefined
      ? handle(request)
      : remember(request, async () => handle(request))
  }
}

/** The first reply to a key is given again; the same key with another body is refused. Errors are not remembered. */
function idempotency({ clock }: SimulatorContext): Remember {
  const replies = new Map<string, { readonly print: string; readonly reply: SimulatorReply; readonly until: number }>()
  return async (request, work) => {
    const key = String(request.headers['idempotency-key'])
    const print = createHash('sha256').update(`${request.method} ${request.path}\n`).update(request.body).digest('hex')
    const known = replies.get(key)
    if (known !== undefined && known.until > clock.now()) {
      if (known.print !== print) return errorOf(422, 'idempotency_mismatch', 'this key was used for something else')
      return { ...known.reply, headers: { ...known.reply.headers, 'idempotent-replay': 'true' } }
    }
    const reply = await work()
    const now = clock.now()
    // Oldest first: what nobody can ask for any more is in nobody's way.
    for (const [old, { until }] of replies) {
      if (until > now) break
      replies.delete(old)
    }
    replies.delete(key)
    if (reply.status < 400) replies.set(key, { print, reply, until: now + REMEMBERED_MS })
    return reply
  }
}

/** What a careless client follows or swallows. */
function oddRoutes(): readonly SimulatorRoute[] {
  const redirect = ({ query }: SimulatorRequest): SimulatorReply => ({
    status: Number(query.get('status') ?? 307),
    headers: { location: query.get('to') ?? '/v1/people' },
  })
  return [
    ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => ({ method, path: '/redirect', handle: redirect })),
    ...['GET', 'POST', 'PUT'].map((method) => ({
      method,
      path: '/big',
      handle: ({ query }: SimulatorRequest) => ({
        status: 200,
        body: `{"x":"${'x'.repeat(Number(query.get('bytes') ?? 0))}"}`,
      }),
    })),
    { method: 'GET', path: '/me', handle: () => ({ status: 200, body: { you: 'are known' } }) },
  ]
}
