import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'

/** One call of an API. What it commits, it commits before it first waits for anything. */
export interface SimulatorRoute {
  readonly method: string
  /** `/crm/v3/objects/:object/batch/read`: a part with a colon stands for any text without a slash. */
  readonly path: string
  readonly handle: (request: SimulatorRequest) => SimulatorReply | Promise<SimulatorReply>
}

interface MatchedRoute {
  readonly route: SimulatorRoute
  readonly params: Readonly<Record<string, string>>
}

/** Answers the first route that fits; `other method` where only the method does not. */
export type RouteFinder = (method: string, path: string) => MatchedRoute | 'other method' | undefined

export function routeFinder(routes: readonly SimulatorRoute[]): RouteFinder {
  const byLength = new Map<number, { readonly route: SimulatorRoute; readonly parts: readonly string[] }[]>()
  for (const route of routes) {
    const parts = route.path.split('/')
    byLength.set(parts.length, [...(byLength.get(parts.length) ?? []), { route, parts }])
  }
  return (method, path) => {
    const sent = path.split('/')
    let other = false
    for (const { route, parts } of byLength.get(sent.length) ?? []) {
      const fits = parts.every((part, at) => (part.startsWith(':') ? sent[at] !== '' : part === sent[at]))
      if (!fits) continue
      if (route.method === method) return { route, params: paramsOf(parts, sent) }
      other = true
    }
    return other ? 'other method' : undefined
  }
}

function paramsOf(parts: readonly string[], sent: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {}
  for (const [at, part] of parts.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = decoded(sent[at] as string)
  }
  return params
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
