import { join } from 'node:path'
import { type ConfigInput, type Report, type SyncOptions, sync } from '../../src/index.ts'
import { type MapDestination, type MapDestinationOptions, mapDestination } from './map-destination.ts'
import { type MapSource, mapSource } from './map-source.ts'
import { memoryFolder } from './memory-folder.ts'
import { column, type Row } from './row-batches.ts'
import type { TemporaryFolder } from './temporary-folder.ts'

/** A sync `users` between maps, with its state in a folder that goes with its scope. */
export interface SmallWorld extends Disposable {
  readonly source: MapSource
  readonly destination: MapDestination
  readonly folder: TemporaryFolder
  readonly state: string
  readonly index: string
  readonly own: Pick<SyncOptions, 'sources' | 'destinations'>
  config(overrides?: Partial<ConfigInput['syncs'][string]>): ConfigInput
  run(options?: SyncOptions): Promise<Report>
}

/** Rows `id`, `v`. */
export function smallWorld(rows: readonly Row[], options: MapDestinationOptions = {}): SmallWorld {
  const folder = memoryFolder()
  const source = mapSource([column('id', 'integer'), column('v')], rows)
  const destination = mapDestination(options)
  const own = { sources: [source.definition], destinations: [destination.definition] }
  const state = folder.file('state')
  const config = (overrides: Partial<ConfigInput['syncs'][string]> = {}): ConfigInput => ({
    version: 1,
    state,
    connections: { from: 'rows:', to: 'map:' },
    syncs: {
      users: {
        source: { connection: 'from', table: 'model' },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'to', object: 'users' },
        ...overrides,
      },
    },
  })
  return {
    source,
    destination,
    folder,
    state,
    index: join(state, 'users.sqlite'),
    own,
    config,
    run: (more) => sync(config(), { ...own, ...more }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

/** Rows from 1 on. */
export function rowsUpTo(last: number): Row[] {
  return Array.from({ length: last }, (_, index): Row => [String(index + 1), `v${index + 1}`])
}
