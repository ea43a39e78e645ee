import { HTTP_REST_BEHAVIOURS } from './http-rest-behaviours.ts'
import { HTTP_VENDOR_BEHAVIOURS } from './http-vendor-behaviours.ts'
import type { Behaviour } from './simulator-behaviours.ts'

/** All that the HTTP simulator does, by itself and as the APIs of the presets do. docs/simulators.md shows it. */
export const HTTP_BEHAVIOURS: readonly Behaviour[] = [...HTTP_REST_BEHAVIOURS, ...HTTP_VENDOR_BEHAVIOURS]
