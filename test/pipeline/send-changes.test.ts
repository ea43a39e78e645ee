import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DONE, NOT_FOUND, type Outcome } from '../../src/core/outcome.ts'
import { Tally } from '../../src/core/tally.ts'
import { BatchSender } from '../../src/pipeline/batch-sender.ts'
import { PendingBatch } from '../../src/pipeline/pending-batch.ts'
import { sendChanges } from '../../src/pipeline/send-changes.ts'
import { field } from '../support/batch-field.ts'
import { type MapWrite, mapDestination } from '../support/map-destination.ts'
import { virtualClock } from '../support/virtual-clock.ts'

const FIELDS = [field('id', 'integer'), field('v')]

/** Updates the keys 0 to 4 of a destination that answers with the same frozen arrays every time. */
async function update(
  recreates: boolean,
  answers: { readonly update: readonly Outcome[]; readonly upsert: readonly Outcome[] },
) {
  const { signal } = new AbortController()
  const destination = mapDestination({
    script: async ({ batch }: MapWrite) => (batch.operation === 'update' ? answers.update : answers.upsert),
  })
  const policy = { attempts: 1, firstDelayMs: 1, maxDelayMs: 1 }
  const sender = new BatchSender(destination, {
    policy,
    clock: virtualClock(),
    tally: new Tally(),
    signal,
    abort: signal,
  })
  const batch = new PendingBatch()
  for (let id = 0; id < 5; id++) {
    batch.addLine(`${id}\tv\n`)
    batch.describe(Buffer.from([id]), 0, 1, 1, 0, 0, 0, 0)
  }
  const sent = await sendChanges(sender, batch, { operation: 'update', fields: FIELDS, recreates })
  return { ...sent, writes: destination.writes.map(({ operation, keys }) => `${operation} ${keys.join()}`) }
}

const REJECTED: Outcome = { status: 'rejected', code: 'no', message: 'no' }
const SOME_GONE = Object.freeze([DONE, NOT_FOUND, DONE, NOT_FOUND, DONE])

test('records that are gone are created, and an array that the destination keeps is not written to', async () => {
  const sent = await update(true, { update: SOME_GONE, upsert: Object.freeze([DONE, REJECTED]) })
  assert.deepEqual(sent.writes, ['update 0,1,2,3,4', 'upsert 1,3'])
  assert.deepEqual(
    sent.outcomes.map((outcome) => outcome?.status),
    ['done', 'done', 'done', 'rejected', 'done'],
  )
  assert.deepEqual([...sent.created], [1, 3])
  assert.deepEqual(
    SOME_GONE.map(({ status }) => status),
    ['done', 'not_found', 'done', 'not_found', 'done'],
  )
})

test('a mode that does not insert leaves them as they were answered', async () => {
  const sent = await update(false, { update: SOME_GONE, upsert: [] })
  assert.deepEqual(sent.writes, ['update 0,1,2,3,4'])
  assert.deepEqual(sent.outcomes, SOME_GONE)
  assert.equal(sent.created.size, 0)
})
