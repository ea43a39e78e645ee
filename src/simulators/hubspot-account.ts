import { type HubspotCatalog, hubspotCatalog } from './hubspot-catalog.ts'
import type { HubspotOptions } from './hubspot-options.ts'
import { type HubspotRecord, type HubspotStore, type HubspotValues, hubspotStore } from './hubspot-store.ts'
import type { SimulatorClock } from './simulator-clock.ts'
import type { SeededRandom } from './simulator-random.ts'
import type { SimulatorContext } from './simulator-world.ts'

/** The options with their defaults. */
type ResolvedOptions = Required<Omit<HubspotOptions, 'burst_limit' | 'daily_limit' | 'tokens'>> &
  Pick<HubspotOptions, 'burst_limit' | 'daily_limit' | 'tokens'>

const DEFAULTS: ResolvedOptions = {
  plan: 'professional',
  search_limit: 5,
  utc_offset_minutes: 0,
  rate_limit_body: 'policy',
  rate_limit_headers: 'all',
  retry_after: false,
  moving_seconds: 3600,
  search_lag_ms: 5000,
  list_lag_ms: 0,
  whole_batch_conflicts: false,
  blank_missing_ids: false,
  shuffle: true,
  portal: 1_234_567,
  objects: {},
  oauth: { client_id: 'client', client_secret: 'secret', refresh_token: 'refresh' },
}

/** An account and all of its records. */
export interface HubspotAccount {
  readonly options: ResolvedOptions
  readonly clock: SimulatorClock
  readonly random: SeededRandom
  readonly catalog: HubspotCatalog
  /** By any name of the object. */
  store(object: string): HubspotStore | undefined
  /** Updates `current`, or creates a record; both are in the journal. `request` is null for the side door. */
  write(
    store: HubspotStore,
    current: HubspotRecord | undefined,
    values: HubspotValues,
    now: number,
    request: number | null,
  ): HubspotRecord
  /** Does nothing where there is no such record. */
  archive(store: HubspotStore, id: string, request: number): void
  merge(store: HubspotStore, primary: string, other: string, request: number): HubspotRecord
}

export function hubspotAccount(given: HubspotOptions, { clock, random, journal }: SimulatorContext): HubspotAccount {
  const options: ResolvedOptions = { ...DEFAULTS, ...given }
  const catalog = hubspotCatalog(options.objects, options.portal, clock.now())
  const lagMs = Math.max(options.search_lag_ms, options.list_lag_ms)
  const stores = new Map(catalog.types.map((type) => [type, hubspotStore(type, random.fork(type.name), lagMs)]))
  return {
    options,
    clock,
    random: random.fork('results'),
    catalog,
    store(object) {
      const type = catalog.find(object)
      return type === undefined ? undefined : stores.get(type)
    },
    write(store, current, values, now, request) {
      const record = current === undefined ? store.create(values, now) : store.update(current.id, values, now)
      const change = current === undefined ? 'created' : 'updated'
      journal.write({ request, time: now, object: store.type.name, id: record.id, change, values })
      return record
    },
    archive(store, id, request) {
      const record = store.get(id)
      if (record === undefined) return
      const now = clock.now()
      store.archive(id, now)
      journal.write({ request, time: now, object: store.type.name, id: record.id, change: 'archived' })
    },
    merge(store, primary, other, request) {
      const now = clock.now()
      const lost = store.get(other)?.id ?? other
      const record = store.merge(primary, other, now)
      const object = store.type.name
      journal.write({ request, time: now, object, id: lost, change: 'merged', values: { into: record.id } })
      return record
    },
  }
}
