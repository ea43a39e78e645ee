import { join } from 'node:path'
import { type ConfigInput, type Report, type SyncOptions, sync } from '../../src/index.ts'
import { type LinkedDestination, type LinkedOptions, linkedDestination } from './linked-destination.ts'
import { type MapSource, mapSource } from './map-source.ts'
import { memoryFolder } from './memory-folder.ts'
import { column, type Row } from './row-batches.ts'

type SyncInput = ConfigInput['syncs'][string]

/** A sync `people` of rows `id`, `email`, `name`, keyed by `id`, to contacts that are found by their e-mail. */
export interface LinkedWorld extends Disposable {
  readonly source: MapSource
  readonly destination: LinkedDestination
  readonly state: string
  readonly index: string
  config(overrides?: Partial<SyncInput>): ConfigInput
  run(options?: SyncOptions, overrides?: Partial<SyncInput>): Promise<Report>
  /** `email ref name` of each record, sorted. */
  contacts(): string[]
}

export function linkedWorld(rows: readonly Row[], options: LinkedOptions = {}): LinkedWorld {
  const folder = memoryFolder()
  const source = mapSource([column('id', 'integer'), column('email'), column('name')], rows)
  source.extraKey = true
  const destination = linkedDestination(options)
  const state = folder.file('state')
  const config = (overrides: Partial<SyncInput> = {}): ConfigInput => ({
    version: 1,
    state,
    connections: { from: 'rows:', to: 'linked:' },
    syncs: {
      people: {
        source: { connection: 'from', table: 'model' },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'to', object: 'contacts', match: 'email' },
        fields: { email: 'email', ref: 'id', name: 'name' },
        guards: { max_deletes: '100%' },
        ...overrides,
      },
    },
  })
  const own = { sources: [source.definition], destinations: [destination.definition] }
  return {
    source,
    destination,
    state,
    index: join(state, 'people.sqlite'),
    config,
    run: (more, overrides) => sync(config(overrides), { ...own, allowEmpty: true, ...more }),
    contacts: () =>
      [...destination.records.values()].map(({ email, ref, name }) => `${email} ${ref ?? '-'} ${name}`).sort(),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}
