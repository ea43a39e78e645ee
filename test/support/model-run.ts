import { dirname, join } from 'node:path'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import type { DeletesAs, FieldMapping } from '../../src/core/field-mapping.ts'
import type { KeyIndex } from '../../src/core/key-index.ts'
import type { Counts, RowIssue } from '../../src/core/report.ts'
import type { DeleteScope, SyncMode } from '../../src/core/sync-mode.ts'
import { Tally } from '../../src/core/tally.ts'
import type { Allowances, Threshold } from '../../src/pipeline/guards.ts'
import { PacedGate } from '../../src/pipeline/request-gate.ts'
import type { RetryPolicy } from '../../src/pipeline/retry.ts'
import { compileMapping } from '../../src/pipeline/row-mapping.ts'
import { runPipeline } from '../../src/pipeline/run-pipeline.ts'
import { KeySpoolFile } from '../../src/state/key-spool-file.ts'
import { UnnamedFile } from '../../src/state/unnamed-file.ts'
import type { MapDestination } from './map-destination.ts'
import { type MapSource, mapSource } from './map-source.ts'
import { column, type Row } from './row-batches.ts'

export interface ModelRun {
  readonly destination: MapDestination
  readonly index: KeyIndex
  /** The model, with columns `id` (the key, an integer) and `v`; or, in `source`, any other. */
  readonly rows?: readonly Row[]
  readonly source?: MapSource
  readonly mode?: SyncMode
  readonly scope?: DeleteScope
  readonly deletesAs?: DeletesAs
  readonly fields?: readonly FieldMapping[]
  readonly maxRejected?: Threshold
  readonly allow?: Allowances
  readonly retry?: RetryPolicy
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

export interface ModelRunResult {
  readonly tally: Tally
  readonly issues: readonly RowIssue[]
  /** What the run rejected with. */
  readonly error: unknown
}

/** The model `id`, `v` in memory. */
export function idAndV(rows: readonly Row[] = []): MapSource {
  return mapSource([column('id', 'integer'), column('v')], rows)
}

/** A field that takes a column over as it is. */
export function plain(name: string, from = name): FieldMapping {
  const mapping = { kind: 'column', column: from, hash: undefined } as const
  return { field: name, from: mapping, type: undefined, nulls: 'write', on: 'always' }
}

/** Runs the real pipeline from a model in memory into a destination over a map. Deletes of any number are allowed. */
export async function runModel(run: ModelRun): Promise<ModelRunResult> {
  const issues: RowIssue[] = []
  const tally = new Tally((issue) => issues.push(issue))
  const { destination, index, deletesAs = { kind: 'delete' }, source = idAndV(run.rows) } = run
  const reading = source.read(['id'])
  const folder = dirname('path' in index ? String(index.path) : '.')
  const spool = new KeySpoolFile(folder, 'test')
  const failure = await runPipeline({
    reading,
    destination,
    index,
    mapping: compileMapping({
      layout: reading.layout,
      match: ['id'],
      fields: run.fields ?? reading.layout.columns.map(({ name }) => plain(name)),
      deletesAs,
      variables: { runId: 'run-1', startedAt: '2026-01-01T00:00:00.000Z', syncName: 'test' },
    }),
    mode: run.mode ?? 'mirror',
    scope: run.scope ?? 'all',
    deletesAs,
    limits: destination.limits,
    gate: new PacedGate(run.clock ?? systemClock, []).view({ tally }),
    ...(run.retry === undefined ? {} : { retry: run.retry }),
    maxDeletes: { percent: 100 },
    maxRejected: run.maxRejected,
    allow: { empty: true, ...run.allow },
    resend: false,
    seed: index.seed,
    spool,
    scratch: () => new UnnamedFile(join(folder, 'test.waiting'), 'test'),
    tally,
    clock: run.clock ?? systemClock,
    signal: run.signal ?? new AbortController().signal,
  }).then(
    () => undefined,
    (error: unknown) => error,
  )
  spool.close()
  return { tally, issues, error: failure }
}

/** Lets everything happen that can without new input. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

/** The counts that are not zero. */
export function some(counts: Counts): Partial<Counts> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}
