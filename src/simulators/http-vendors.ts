import type { HttpStore } from './http-store.ts'
import { brazeRoutes } from './http-vendor-braze.ts'
import { customerioRoutes } from './http-vendor-customerio.ts'
import { intercomRoutes } from './http-vendor-intercom.ts'
import { klaviyoRoutes } from './http-vendor-klaviyo.ts'
import { slackRoutes } from './http-vendor-slack.ts'
import { zendeskRoutes } from './http-vendor-zendesk.ts'
import type { SimulatorClock } from './simulator-clock.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

export interface VendorContext {
  readonly store: HttpStore
  readonly clock: SimulatorClock
}

/** The documented shapes of six APIs: what a configuration for them can be tried on, and not the services themselves. */
export function vendorRoutes(context: VendorContext): readonly SimulatorRoute[] {
  return [
    ...customerioRoutes(context),
    ...brazeRoutes(context),
    ...klaviyoRoutes(context),
    ...intercomRoutes(context),
    ...zendeskRoutes(context),
    ...slackRoutes(context),
  ]
}
