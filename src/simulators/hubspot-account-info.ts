import type { HubspotAccount } from './hubspot-account.ts'
import type { HubspotAuth } from './hubspot-auth.ts'
import { statusReply } from './hubspot-errors.ts'
import type { SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** The versions that the documentation has of it. */
const VERSIONS = ['v3', '2026-03']

/** `GET /account-info/{version}/details`: which account the token is of. */
export function accountInfoRoutes({ options }: HubspotAccount, auth: HubspotAuth): SimulatorRoute[] {
  const minutes = options.utc_offset_minutes
  const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  const two = (part: number) => String(part).padStart(2, '0')
  const details = (request: SimulatorRequest) => ({
    portalId: auth.portal(request),
    accountType: 'STANDARD',
    timeZone: 'UTC',
    companyCurrency: 'USD',
    additionalCurrencies: [],
    utcOffset: `${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`,
    utcOffsetMilliseconds: minutes * 60_000,
    uiDomain: 'app.hubspot.com',
    dataHostingLocation: 'na1',
  })
  return [
    {
      method: 'GET',
      path: '/account-info/:version/details',
      handle(request) {
        if (!VERSIONS.includes(request.params['version'] as string)) return statusReply(404, request.n, 0)
        return auth.refuseScope(request, ['oauth']) ?? { status: 200, body: details(request) }
      },
    },
  ]
}
