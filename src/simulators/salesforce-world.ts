import { notFound } from './salesforce-errors.ts'
import type { ObjectModel } from './salesforce-model.ts'
import type { SalesforceSettings } from './salesforce-options.ts'
import type { RowContext, RowWriter } from './salesforce-rows.ts'
import type { ObjectStore, RecordStore } from './salesforce-store.ts'
import type { SimulatorClock } from './simulator-clock.ts'
import type { SeededRandom } from './simulator-random.ts'
import type { SimulatorRequest, SimulatorRequestHead } from './simulator-request.ts'

/** One org: what its parts share. */
export interface SalesforceWorld {
  readonly clock: SimulatorClock
  readonly random: SeededRandom
  readonly url: string
  readonly settings: SalesforceSettings
  readonly models: ReadonlyMap<string, ObjectModel>
  readonly records: RecordStore
  readonly writer: RowWriter
}

/** By a name of any case, as the REST API does. Throws what answers 404. */
export function objectOf({ records, models }: SalesforceWorld, name: string): ObjectStore {
  const exact = records.of(name)
  if (exact !== undefined) return exact
  const other = [...models.keys()].find((known) => known.toLowerCase() === name.toLowerCase())
  const found = other === undefined ? undefined : records.of(other)
  if (found === undefined) throw notFound()
  return found
}

export function rowContext({ clock }: SalesforceWorld, request: SimulatorRequestHead): RowContext {
  const header = String(request.headers['sforce-duplicate-rule-header'] ?? '')
  return { request: request.n, time: Math.floor(clock.now()), allowSave: /allowSave\s*=\s*true/i.test(header) }
}

/** `66` of `/services/data/v66.0/…`. */
export function versionOf(request: SimulatorRequest): number {
  return Number.parseInt((request.params['version'] ?? 'v0').slice(1), 10)
}
