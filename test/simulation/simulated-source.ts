import { Readable } from 'node:stream'
import { z } from 'zod'
import { FatalError } from '../../src/core/errors.ts'
import type { RowBatch, RowLayout } from '../../src/core/row-batch.ts'
import { defineSource, type Reading, type SourceDefinition } from '../../src/core/source.ts'
import { column, ID_AND_V, layoutOf, type Row, rowBatch } from '../support/row-batches.ts'
import type { Setup } from './history.ts'
import type { Running } from './running.ts'

const WITH_EMAIL = layoutOf([column('id', 'integer'), column('v'), column('email')])

/** The model of a run, row by row: each is a point at which something can go wrong, and so is the end. */
export function simulatedReading(run: Running): Reading {
  return { layout: layoutFor(run.setup), rows: Readable.from(batchesOf(run), { objectMode: true, highWaterMark: 1 }) }
}

function layoutFor({ records }: Setup): RowLayout {
  return records === 'email and id' ? WITH_EMAIL : ID_AND_V
}

async function* batchesOf(run: Running): AsyncGenerator<RowBatch> {
  const { rows, batchRows, end } = run.plan
  let batch: Row[] = []
  for (let at = 0; at <= rows.length; at++) {
    run.alive()
    run.signal.throwIfAborted()
    const row = rows[at]
    const fault = run.points.reach('row', row === undefined ? 'the end' : `row ${row.join(' ')}`)
    if (fault !== undefined) run.trace.push(`row ${at}: ${fault}`)
    if (fault === 'cancel') run.cancel()
    if (fault === 'breaks' || fault === 'stops' || fault === 'crash before') {
      if (batch.length > 0) yield rowBatch(batch)
      run.alive()
      if (fault === 'crash before') run.crash()
      if (fault === 'breaks') throw new FatalError('connection_lost', 'planned: the connection broke')
      return
    }
    if (row !== undefined) batch.push(row)
    if (batch.length < batchRows && row !== undefined) continue
    if (batch.length > 0) yield rowBatch(batch)
    batch = []
  }
  run.alive()
  if (end === 'missing') return
  run.oracle.modelEnded()
  const count = rows.length + (end === 'too_many' ? 1 : end === 'too_few' ? -1 : 0)
  yield rowBatch([], { rows: count, proven: end !== 'unproven', evidence: 'planned' })
}

/** For `sync()`. */
export function simulatedSource(run: Running): SourceDefinition<{ url?: string | undefined }> {
  return defineSource({
    type: 'rows',
    schemes: ['rows'],
    options: z.object({ url: z.string().optional() }),
    async open() {
      return {
        describe: async () => layoutFor(run.setup).columns,
        hasAtLeast: async (rows) => ({ enough: run.plan.rows.length >= rows, rows: run.plan.rows.length }),
        read: async () => simulatedReading(run),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  })
}
