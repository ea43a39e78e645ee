import type { DeletesAs } from '../../src/core/field-mapping.ts'
import type { RowIssue } from '../../src/core/report.ts'
import { Tally } from '../../src/core/tally.ts'
import { reportOf } from '../../src/engine/run-report.ts'
import { type LinkedRecords, plainIdentity } from '../../src/pipeline/claims.ts'
import { resendOverwritten } from '../../src/pipeline/overwritten.ts'
import { refresh } from '../../src/pipeline/refresh.ts'
import { PacedGate } from '../../src/pipeline/request-gate.ts'
import { compileMapping } from '../../src/pipeline/row-mapping.ts'
import { runPipeline } from '../../src/pipeline/run-pipeline.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { KeySorterFile } from '../../src/state/key-sorter-file.ts'
import { KeySpoolFile } from '../../src/state/key-spool-file.ts'
import { plain } from '../support/model-run.ts'
import type { Said } from './judge.ts'
import type { Running } from './running.ts'
import { simulatedDestination } from './simulated-destination.ts'
import { simulatedReading } from './simulated-source.ts'

/**
 * A run without what costs most in `sync()`: configuration and run history. The index, its list, the notes in it and the
 * stages are the real ones, in the order of `src/sync.ts`.
 */
export async function runStages(run: Running): Promise<Said> {
  const issues: RowIssue[] = []
  const tally = new Tally((issue) => issues.push(issue))
  let error: unknown
  try {
    await stages(run, tally)
  } catch (thrown) {
    error = thrown
  }
  const report = reportOf(tally, {
    variables: { runId: 'test', startedAt: '', syncName: 'test' },
    sync: undefined,
    dryRun: false,
    durationMs: 0,
    cancelled: error !== undefined && run.signal.aborted,
    error,
  })
  return { ...report, issues }
}

async function stages(run: Running, tally: Tally): Promise<void> {
  const { setup, plan, folder, clock, signal } = run
  run.signal.throwIfAborted()
  const index = await KeyIndexFile.open(run.index, 'test', { keep: true })
  const spool = new KeySpoolFile(folder, 'test')
  try {
    const byEmail = setup.records === 'email and id'
    const match = byEmail ? 'email' : 'id'
    index.bind({ key: 'id', destination: 'map:', ...(byEmail ? { match } : {}) })
    const destination = simulatedDestination(run)
    if (index.isNew ? setup.listing !== 'never' : setup.listing === 'always') {
      const list = destination.list?.(signal)
      if (list === undefined) throw new Error('the destination has no list')
      const vanished = new KeySpoolFile(folder, 'test.vanished')
      await refresh({ list, index, encodings: ['integer'], sorter: () => KeySorterFile.open(), spool: vanished })
      index.note({ listedAt: clock.now() })
    }
    index.note({ bootstrapped: true })
    const records: LinkedRecords | undefined =
      setup.records === undefined || setup.records === 'key'
        ? undefined
        : {
            links: index.links,
            matchIsKey: !byEmail,
            matchFields: 1,
            identity: (values) => destination.identity?.(values) ?? plainIdentity(values),
          }
    if (records !== undefined) resendOverwritten(index, records.links)
    const reading = simulatedReading(run)
    const deletesAs: DeletesAs =
      setup.deletes === 'mark'
        ? { kind: 'set', fields: [{ name: 'gone', value: { value: 'yes' } }] }
        : { kind: 'delete' }
    await runPipeline({
      reading,
      destination,
      index,
      mapping: compileMapping({
        layout: reading.layout,
        match: [match],
        fields: byEmail ? [plain('ref', 'id'), plain('v'), plain('email')] : [plain('id'), plain('v')],
        deletesAs,
        variables: { runId: 'test', startedAt: '', syncName: 'test' },
      }),
      mode: setup.mode,
      scope: setup.scope,
      deletesAs,
      limits: setup.limits,
      gate: new PacedGate(clock, []).view({ tally }),
      insertsTwice: setup.insertsTwice === true ? { sync: 'test' } : undefined,
      records,
      maxDeletes: plan.maxDeletes === undefined ? { percent: 100 } : { count: plan.maxDeletes },
      maxRejected: undefined,
      allow: { empty: plan.allowEmpty, deletesWithInvalid: plan.allowInvalid },
      listed: index.listedAt !== undefined,
      resend: plan.full,
      seed: index.seed,
      spool,
      tally,
      clock,
      signal,
    })
    index.note({ mapping: 'test' })
  } finally {
    spool.close()
    index.close()
  }
}
