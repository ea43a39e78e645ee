import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatheredWrites } from '../../src/connectors/salesforce-gathered.ts'
import { PendingWrite } from '../../src/connectors/salesforce-pending.ts'
import { RowAnswers } from '../../src/connectors/salesforce-row-answers.ts'
import { RowPlaces } from '../../src/connectors/salesforce-row-places.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../../src/core/outcome.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { keys, thingFields } from './salesforce-sync.ts'

test('each text of a job is found again, and no other', () => {
  const places = new RowPlaces()
  const count = 30_000
  for (let row = 0; row < count; row++) assert.equal(places.add(`key ${row * 7}`, row), true)
  assert.equal(places.size, count)
  for (let row = 0; row < count; row++) {
    assert.equal(places.find(`key ${row * 7}`), row)
    assert.equal(places.find(`key ${row * 7 + 1}`), undefined)
  }
  assert.equal(places.add('key 7', 99), false)
  assert.equal(places.find('key 7'), 1)
  assert.deepEqual(
    [...places.rows()].toSorted((one, other) => one - other),
    Array.from({ length: count }, (_, row) => row),
  )
})

const ID = '003000000000001AAA'

const OUTCOMES: readonly Outcome[] = [
  DONE,
  NOT_FOUND,
  EXISTS,
  { status: 'done', id: ID },
  { status: 'done', id: ID, created: true },
  { status: 'done', id: ID, created: false },
  { status: 'done', id: 'no such id as others', created: true },
  { status: 'done', id: '00300000000001Zoë' },
  { status: 'done', created: true },
  { status: 'rejected', code: 'STRING_TOO_LONG', message: 'Zoë', response: '{}', request: '"\ud83d' },
  { status: 'deferred', code: 'UNABLE_TO_LOCK_ROW', message: 'x'.repeat(5_000) },
]

test('what became of a row is what was said', () => {
  using answers = new RowAnswers(OUTCOMES.length * 300 + 1)
  for (let row = 0; row < OUTCOMES.length * 300; row++) {
    assert.equal(answers.get(row), undefined)
    answers.set(row, OUTCOMES[row % OUTCOMES.length] as Outcome)
  }
  for (let row = OUTCOMES.length * 300 - 1; row >= 0; row--) {
    assert.equal(answers.has(row), true)
    assert.deepEqual(answers.get(row), OUTCOMES[row % OUTCOMES.length])
  }
  assert.equal(answers.has(OUTCOMES.length * 300), false)
  answers.forget(0)
  assert.deepEqual([answers.has(0), answers.get(0)], [false, undefined])
})

/** Three batches of two, two and three rows that were gathered, and what became of each. */
function gather() {
  const { signal } = new AbortController()
  const write = (count: number) => new PendingWrite(changeBatch('upsert', thingFields(), keys(count)), signal)
  const writes = [write(2), write(2), write(3)] as const
  const ends: (readonly Outcome[] | string | undefined)[] = [undefined, undefined, undefined]
  for (const [number, { answered }] of writes.entries()) {
    answered.then(
      (outcomes) => {
        ends[number] = outcomes
      },
      (error: unknown) => {
        ends[number] = String(error)
      },
    )
  }
  return { gathered: new GatheredWrites([...writes], (give) => give()), ends }
}

const done = (row: number): Outcome => ({ status: 'done', id: `00300000000000${row}AAA` })

test('a batch is answered when all of its rows are, in their order', async () => {
  const { gathered, ends } = gather()
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6].map((row) => gathered.numberOf(row)),
    [0, 0, 1, 1, 2, 2, 2],
  )
  for (const row of [6, 3, 5, 2, 0, 4]) gathered.answer(row, done(row))
  gathered.answer(3, NOT_FOUND)
  await gathered.settle()
  assert.deepEqual(ends, [undefined, [done(2), done(3)], [done(4), done(5), done(6)]])
  await gathered.settle(undefined, { error: 'lost' })
  assert.equal(ends[0], 'lost')
})

test('what is noted of a job counts when it is confirmed, and may be forgotten', async () => {
  const { gathered, ends } = gather()
  const job = [0, 1, 2]
  for (const row of job) assert.equal(gathered.note(row, done(row)), true)
  assert.equal(gathered.note(1, NOT_FOUND), false)
  gathered.answer(3, DONE)
  await gathered.settle()
  assert.deepEqual(ends, [undefined, undefined, undefined])
  gathered.forget(job)
  gathered.confirm(job)
  await gathered.settle([0, 1])
  assert.deepEqual(ends, [undefined, undefined, undefined])
  for (const row of job) gathered.note(row, NOT_FOUND)
  gathered.confirm(job)
  await gathered.settle([0, 1], { error: 'lost' })
  assert.deepEqual(ends, [[NOT_FOUND, NOT_FOUND], [NOT_FOUND, DONE], undefined])
})

test('batches are answered one a turn, also those that are given up', async () => {
  const { gathered, ends } = gather()
  for (const row of [0, 1, 4, 5, 6]) gathered.answer(row, DONE)
  const known = () => ends.filter((end) => end !== undefined).length
  const settling = gathered.settle(undefined, { error: 'lost' })
  for (let most = 1; most <= 3; most++) {
    await Promise.resolve()
    assert.equal(known(), most)
    await new Promise(setImmediate)
  }
  await settling
  assert.equal(ends[1], 'lost')
})
