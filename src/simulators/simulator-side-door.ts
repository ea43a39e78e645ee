import type { FaultPlan } from './simulator-faults.ts'
import { SimulatorOptionsError } from './simulator-options.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'
import { type RouteFinder, routeFinder, type SimulatorRoute } from './simulator-routes.ts'
import type { SimulatorWorld } from './simulator-world.ts'

/** What tests see and do behind the API's back. Paths begin with `/__`. */
export function sideDoor(world: () => SimulatorWorld, reset: () => void): RouteFinder {
  const routes: SimulatorRoute[] = [
    { method: 'GET', path: '/__records/:object', handle: (request) => records(world(), request) },
    { method: 'GET', path: '/__journal', handle: (request) => journal(world(), request) },
    { method: 'GET', path: '/__violations', handle: () => ({ status: 200, body: world().violations }) },
    { method: 'GET', path: '/__counts', handle: () => ({ status: 200, body: counts(world()) }) },
    { method: 'GET', path: '/__faults', handle: () => ({ status: 200, body: world().faults.state }) },
    { method: 'POST', path: '/__faults', handle: (request) => replaceFaults(world(), request) },
    { method: 'GET', path: '/__clock', handle: () => ({ status: 200, body: { now: world().clock.now() } }) },
    { method: 'POST', path: '/__clock', handle: (request) => advance(world(), request) },
    {
      method: 'POST',
      path: '/__reset',
      handle: () => {
        reset()
        return { status: 200, body: {} }
      },
    },
  ]
  const find = routeFinder(routes)
  return (method, path) => {
    const found = find(method, path)
    return typeof found === 'object' ? found : world().findSideDoor(method, path)
  }
}

function records({ simulator }: SimulatorWorld, { params, query }: SimulatorRequest): SimulatorReply {
  const found = simulator.records(params['object'] as string, query)
  if (found === undefined) return { status: 404, body: { message: `there is no object ${params['object']}` } }
  return { status: 200, body: [...found] }
}

function journal(world: SimulatorWorld, { query }: SimulatorRequest): SimulatorReply {
  const after = Number(query.get('after') ?? 0)
  const limit = Number(query.get('limit') ?? Number.MAX_SAFE_INTEGER)
  return { status: 200, body: world.journal.page(after, limit) }
}

function counts({ counts: { open, most, routes }, journal: { requests, writes }, violations }: SimulatorWorld) {
  return {
    requests,
    writes,
    violations: violations.length,
    under_way: open,
    most_at_a_time: most,
    routes: Object.fromEntries(routes),
  }
}

function replaceFaults(world: SimulatorWorld, request: SimulatorRequest): SimulatorReply {
  const text = request.body.toString('utf8')
  try {
    world.faults = world.planFaults((jsonBody(request) as FaultPlan | undefined) ?? text)
    return { status: 200, body: world.faults.state }
  } catch (error) {
    if (!(error instanceof SimulatorOptionsError)) throw error
    return { status: 400, body: { message: error.message } }
  }
}

function advance({ clock }: SimulatorWorld, request: SimulatorRequest): SimulatorReply {
  const { ms } = (jsonBody(request) ?? {}) as { ms?: unknown }
  if (typeof ms !== 'number' || !(ms >= 0)) return { status: 400, body: { message: 'give { "ms": 1000 }, 0 or more' } }
  clock.advance(ms)
  return { status: 200, body: { now: clock.now() } }
}
