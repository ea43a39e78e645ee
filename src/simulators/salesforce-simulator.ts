import { collectionRoutes } from './salesforce-collections.ts'
import { describeRoutes, VERSIONS } from './salesforce-describe.ts'
import { errorReply, notFound, RestError, statusReply } from './salesforce-errors.ts'
import { ingestRoutes } from './salesforce-ingest-routes.ts'
import { salesforceJobs } from './salesforce-jobs.ts'
import { type Field, objectModels } from './salesforce-model.ts'
import { salesforceSessions } from './salesforce-oauth.ts'
import { BUILT_IN_OBJECTS } from './salesforce-objects.ts'
import { SALESFORCE_OPTIONS, type SalesforceOptions, salesforceSettings } from './salesforce-options.ts'
import { queryJobRoutes } from './salesforce-query-jobs.ts'
import { queryRoutes } from './salesforce-query-routes.ts'
import { rowWriter } from './salesforce-rows.ts'
import { salesforceSideDoors } from './salesforce-side-doors.ts'
import { singleRoutes } from './salesforce-single.ts'
import { type ObjectStore, type RecordStore, recordStore, valuesOf } from './salesforce-store.ts'
import type { SalesforceWorld } from './salesforce-world.ts'
import type { SimulatorClock } from './simulator-clock.ts'
import type { SimulatorReply, SimulatorRequest, SimulatorRequestHead } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'
import type { Simulator, SimulatorContext } from './simulator-world.ts'

/** Salesforce, as far as a client that writes records meets it: see salesforce-behaviours.ts. */
export const SALESFORCE = {
  options: SALESFORCE_OPTIONS,
  define: (options: SalesforceOptions) => (context: SimulatorContext) => salesforceSimulator(context, options),
}

const DAY_MS = 86_400_000
const LONGEST_URI = 16_384

function salesforceSimulator(context: SimulatorContext, options: SalesforceOptions): Simulator {
  const { clock, random, url, journal } = context
  const settings = salesforceSettings(options)
  const models = objectModels(BUILT_IN_OBJECTS, settings.objects)
  const records = seededRecords(models, context)
  const locks = random.fork('locks')
  const writer = rowWriter(records, () => settings.row_lock_rate > 0 && locks.next() < settings.row_lock_rate)
  const world: SalesforceWorld = { clock, random: random.fork('rows'), url, settings, models, records, writer }
  const jobs = salesforceJobs(world)
  const sessions = salesforceSessions({ settings, clock, random: random.fork('sessions'), url })
  const limits = context.limits([{ name: 'daily', requests: settings.daily_limit, kind: 'rolling', ms: DAY_MS }])
  const used = () => limits.use('daily', clock.now()).used
  const asked = (route: SimulatorRoute): SimulatorRoute => ({
    ...route,
    handle(request) {
      jobs.advance()
      return refusing(() => {
        if (!isKnownVersion(request)) throw notFound()
        return route.handle(request)
      })
    },
  })

  return {
    routes: [
      ...sessions.routes,
      ...[
        ...describeRoutes(world, () => ({ used: used(), of: settings.daily_limit })),
        ...collectionRoutes(world),
        ...singleRoutes(world),
        ...queryRoutes(world, sessions),
        ...ingestRoutes(world, jobs),
        ...queryJobRoutes(world, jobs),
      ].map(asked),
    ],
    admit(request) {
      if (request.url.length > LONGEST_URI) {
        return errorReply(414, 'URI_TOO_LONG', 'The URI is longer than 16,384 characters')
      }
      if (!isData(request) || request.path === '/services/data') return undefined
      const refusal = sessions.admit(request)
      if (refusal !== undefined) return refusal
      return limits.arrive(request.n, request.time) === undefined ? undefined : statusReply(403)
    },
    finish(request, reply) {
      if (!isData(request)) return reply
      const usage = `api-usage=${used()}/${settings.daily_limit}`
      return { ...reply, headers: { ...reply.headers, 'sforce-limit-info': usage } }
    },
    errorReply: statusReply,
    faults: {
      'session-ends': (request) => {
        sessions.end(request)
        return statusReply(401)
      },
      'api-disabled': () =>
        errorReply(403, 'API_DISABLED_FOR_ORG', 'The REST API is not enabled for this Organization.'),
      'object-hidden': () => errorReply(400, 'INVALID_TYPE', "sObject type 'Organization' is not supported."),
      'storage-full': () => errorReply(403, 'STORAGE_LIMIT_EXCEEDED', 'storage limit exceeded'),
    },
    records(object, query) {
      jobs.advance()
      const store = records.of(object)
      if (store === undefined) return undefined
      const names = query.get('fields')?.split(',')
      return listed(
        store,
        names === undefined ? store.model.fields : store.model.fields.filter(({ name }) => names.includes(name)),
      )
    },
    maxBodyBytes: Math.max(10_000_000, settings.upload_limit),
    sideDoors: salesforceSideDoors(world, sessions, limits),
  }

  function* listed(store: ObjectStore, fields: readonly Field[]) {
    for (const { values, deletedAt } of store.all()) {
      if (deletedAt === undefined) yield valuesOf(values, fields)
    }
  }

  /** The user that records belong to, and the orgs of the clients, are there from the start, and no write. */
  function seededRecords(known: typeof models, { clock: { now } }: { clock: SimulatorClock }): RecordStore {
    let started = false
    const store = recordStore(known, { now, write: (entry) => started && journal.write(entry) })
    const user = store.of('User')
    const values = user?.model.fields.map(({ name }) => (name === 'Username' ? 'integration@example.com' : null)) ?? []
    user?.insert(values, { fields: [], values: [] }, { request: null, time: Math.floor(now()) })
    const organization = store.of('Organization')
    const names = organization?.model.fields ?? []
    for (let n = 1; n <= Math.max(1, ...settings.clients.map((client) => client.organization ?? 1)); n++) {
      const named = names.map(({ name }) => (name === 'Name' ? `Org ${n}` : null))
      organization?.insert(named, { fields: [], values: [] }, { request: null, time: Math.floor(now()) })
    }
    started = true
    return store
  }
}

/** Most paths have a version, as `v66.0`. */
function isKnownVersion({ params }: SimulatorRequest): boolean {
  const version = params['version']
  return version === undefined || VERSIONS.some((known) => `v${known}.0` === version)
}

function isData({ path }: SimulatorRequestHead): boolean {
  return path === '/services/data' || path.startsWith('/services/data/')
}

function refusing(handle: () => SimulatorReply | Promise<SimulatorReply>): SimulatorReply | Promise<SimulatorReply> {
  try {
    return handle()
  } catch (error) {
    if (error instanceof RestError) return error.reply
    throw error
  }
}
