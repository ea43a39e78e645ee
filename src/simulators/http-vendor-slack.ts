import { membersOf, stringAt } from './http-vendor-parts.ts'
import type { VendorContext } from './http-vendors.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** Slack's incoming webhooks, below `/slack`: a message each time, and words for an answer. */
export function slackRoutes({ store }: VendorContext): readonly SimulatorRoute[] {
  const post = (request: SimulatorRequest): SimulatorReply => {
    const { token } = request.params
    if (token === 'archived') return { status: 410, body: 'channel_is_archived' }
    if (token === 'gone') return { status: 404, body: 'no_service' }
    if (token === 'prohibited') return { status: 403, body: 'action_prohibited' }
    const members = membersOf(request)
    if (members.size === 0) return { status: 400, body: 'invalid_payload' }
    if ((stringAt(members, 'text') ?? '') === '' && members.get('blocks')?.items === undefined) {
      return { status: 400, body: 'no_text' }
    }
    const fields = new Map([...members].map(([name, { text }]) => [name, text]))
    store.create('slack', { request: request.n, key: `#${request.n}`, fields })
    return { status: 200, body: 'ok' }
  }
  return [{ method: 'POST', path: '/slack/services/:team/:channel/:token', handle: post }]
}
