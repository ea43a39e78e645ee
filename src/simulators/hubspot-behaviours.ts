import { HUBSPOT_SERVICE_BEHAVIOURS } from './hubspot-service-behaviours.ts'
import { HUBSPOT_VALUE_BEHAVIOURS } from './hubspot-value-behaviours.ts'
import { HUBSPOT_WRITE_BEHAVIOURS } from './hubspot-write-behaviours.ts'
import type { Behaviour } from './simulator-behaviours.ts'

/** All that the HubSpot simulator does as HubSpot does, as far as known. docs/simulators.md shows it. */
export const HUBSPOT_BEHAVIOURS: readonly Behaviour[] = [
  ...HUBSPOT_WRITE_BEHAVIOURS,
  ...HUBSPOT_VALUE_BEHAVIOURS,
  ...HUBSPOT_SERVICE_BEHAVIOURS,
]
