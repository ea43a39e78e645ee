import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Destination } from '../../src/core/destination.ts'
import { sync } from '../../src/index.ts'
import { acceptAll } from '../../src/pipeline/dry-run.ts'
import { overheard } from '../../src/pipeline/exchange.ts'
import { gatheringDestination } from '../support/gathering-destination.ts'
import { mapDestination } from '../support/map-destination.ts'
import { rowsUpTo, smallWorld } from '../support/small-world.ts'

/** A destination whose methods need to be called as its own. */
class Contacts {
  readonly flushed: string[] = []
  readonly suffix = '!'
  flush() {
    this.flushed.push(this.suffix)
  }
  identity([value]: readonly (string | null)[]) {
    return `${value?.toLowerCase()}${this.suffix}`
  }
}

const contacts = () => Object.assign(new Contacts(), mapDestination()) as Contacts & Destination

test('a destination that is overheard still gathers, matches and lists as it does', async () => {
  const inner = contacts()
  const heard = overheard(inner, () => {})
  heard.flush?.()
  assert.deepEqual(inner.flushed, ['!'])
  assert.equal(heard.identity?.(['A@b.c']), 'a@b.c!')
  assert.equal(heard.list?.(new AbortController().signal).sorted, true)
  const plain = overheard(mapDestination({ lists: 'never' }), () => {})
  assert.deepEqual([plain.flush, plain.identity, plain.list], [undefined, undefined, undefined])
})

test('a dry run matches by what the destination matches by, and flushes and lists nothing', () => {
  const keyOf = ([id]: readonly (string | null)[]) => String(id)
  const dry = acceptAll(contacts(), keyOf, [], () => {})
  assert.equal(dry.identity?.(['A@b.c']), 'a@b.c!')
  assert.deepEqual([dry.flush, dry.list], [undefined, undefined])
  assert.equal(acceptAll(mapDestination(), keyOf, [], () => {}).identity, undefined)
})

test('what is written to a destination that gathers is told with its outcomes', { timeout: 20_000 }, async () => {
  using world = smallWorld(rowsUpTo(5))
  const destination = gatheringDestination({ limits: { rows: 2, inFlight: 2 } })
  const told: string[] = []
  const report = await sync(world.config({ mode: 'upsert' }), {
    ...world.own,
    destinations: [destination.definition],
    onExchange: ({ values, outcome }) => told.push(`${values['id']} ${outcome?.status}`),
  })
  assert.equal(report.status, 'succeeded')
  assert.deepEqual(told.sort(), ['1 done', '2 done', '3 done', '4 done', '5 done'])
})
