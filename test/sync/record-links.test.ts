import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { FatalError, type RowIssue, rebuildIndex } from '../../src/index.ts'
import { restore, snapshotOf } from '../simulation/state-snapshot.ts'
import type { LinkedOptions } from '../support/linked-destination.ts'
import { linkedWorld } from '../support/linked-world.ts'
import { some } from '../support/model-run.ts'
import type { Row } from '../support/row-batches.ts'

const ROWS: Row[] = [
  ['1', 'ann@x', 'Ann'],
  ['2', 'bob@x', 'Bob'],
  ['3', 'cy@x', 'Cy'],
]

function issues() {
  const met: RowIssue[] = []
  return { met, onIssue: (issue: RowIssue) => void met.push(issue) }
}

test('a row goes to the record with its e-mail, and to that same record when the e-mail changes', async () => {
  using world = linkedWorld(ROWS)
  world.destination.add({ email: 'Bob@X', phone: '42' })
  const first = await world.run()
  assert.equal(first.status, 'succeeded', first.error?.message)
  assert.deepEqual(some(first.counts), { read: 3, inserted: 2, updated: 1 })
  world.source.rows = [['1', 'anna@x', 'Ann'], ['2', 'ROB@x', 'Rob'], ROWS[2] as Row]
  world.destination.writes.length = 0
  const second = await world.run()
  assert.deepEqual(some(second.counts), { read: 3, updated: 2, unchanged: 1 })
  assert.deepEqual(world.destination.writes, ['update 2,1'])
  assert.deepEqual(world.contacts(), ['ROB@x 2 Rob', 'anna@x 1 Ann', 'cy@x 3 Cy'])
  assert.equal(world.destination.records.get('1')?.['phone'], '42')
  assert.deepEqual(some((await world.run()).counts), { read: 3, unchanged: 3 })
})

test('a record whose row is gone is deleted by its id, whatever its e-mail is by now', async () => {
  using world = linkedWorld(ROWS)
  await world.run()
  const [id] = [...world.destination.records].find(([, record]) => record['ref'] === '2') as [string, unknown]
  world.destination.records.set(id, { email: 'edited-by-hand@x', ref: '2' })
  world.source.rows = [ROWS[0] as Row, ROWS[2] as Row]
  world.destination.writes.length = 0
  assert.deepEqual(some((await world.run()).counts), { read: 2, unchanged: 2, missing: 1, deleted: 1 })
  assert.deepEqual(world.destination.writes, [`delete ${id}`])
  assert.deepEqual(world.contacts(), ['ann@x 1 Ann', 'cy@x 3 Cy'])
})

test('of two rows with one e-mail the second is refused before it is sent, and says with whom it collides', async () => {
  using world = linkedWorld([...ROWS, ['4', 'ANN@x', 'Another Ann']])
  const { met, onIssue } = issues()
  const report = await world.run({ onIssue })
  assert.deepEqual(some(report.counts), { read: 4, inserted: 3, invalid: 1 })
  assert.equal(report.status, 'completed_with_errors')
  assert.deepEqual(
    met.map(({ kind, key, code }) => [kind, key, code]),
    [['invalid', '4', 'duplicate_match']],
  )
  assert.match(met[0]?.message ?? '', /key 4 has the match of key 1, .* leave one of them out of the model/)
  assert.ok(world.contacts().includes('ann@x 1 Ann'))
  // The first owner keeps it, wherever its key sorts.
  world.source.rows = [['0', 'cy@x', 'Zero'], ...ROWS]
  assert.deepEqual(some((await world.run()).counts), { read: 4, invalid: 1, unchanged: 3 })
})

for (const mode of ['mirror', 'upsert'] as const) {
  test(`${mode}: a row that gets a new key keeps its record`, async () => {
    using world = linkedWorld(ROWS)
    await world.run({}, { mode })
    const before = [...world.destination.records].find(([, record]) => record['ref'] === '2')?.[0]
    world.source.rows = [ROWS[0] as Row, ROWS[2] as Row, ['20', 'bob@x', 'Bob']]
    world.destination.writes.length = 0
    const renamed = await world.run({}, { mode })
    assert.deepEqual(some(renamed.counts), { read: 3, unchanged: 2, invalid: 1, missing: 1, kept: 1 })
    assert.deepEqual(world.destination.writes, [])
    const next = await world.run({}, { mode })
    assert.deepEqual(some(next.counts), { read: 3, unchanged: 2, updated: 1 })
    assert.deepEqual(world.contacts(), ['ann@x 1 Ann', 'bob@x 20 Bob', 'cy@x 3 Cy'])
    assert.equal(world.destination.records.get(before as string)?.['ref'], '20')
    assert.deepEqual(some((await world.run({}, { mode })).counts), { read: 3, unchanged: 3 })
  })
}

test('new keys for all rows are no mass delete', async () => {
  using world = linkedWorld(ROWS.map(([id, email, name]) => [id as string, email as string, name as string]))
  await world.run({}, { guards: { max_deletes: 0 } })
  world.source.rows = ROWS.map(([id, email, name]) => [`${id}0`, email as string, name as string])
  const renamed = await world.run({}, { guards: { max_deletes: 0 } })
  assert.deepEqual(renamed.guards, [])
  assert.deepEqual(some(renamed.counts), { read: 3, invalid: 3, missing: 3, kept: 3 })
  assert.deepEqual(some((await world.run({}, { guards: { max_deletes: 0 } })).counts), { read: 3, updated: 3 })
})

test('no record goes to another row where rows without a key may stand for its own', async () => {
  using world = linkedWorld(ROWS)
  await world.run()
  world.source.rows = [ROWS[0] as Row, ROWS[2] as Row, ['20', 'bob@x', 'Bob'], [null, 'who@x', 'Who']]
  const counts = { read: 4, unchanged: 2, invalid: 2, missing: 1, kept: 1 }
  for (let runs = 0; runs < 2; runs++) assert.deepEqual(some((await world.run()).counts), counts)
  await world.run({ allowDeletesWithInvalid: true })
  const after = await world.run()
  assert.deepEqual(some(after.counts), { read: 4, unchanged: 2, updated: 1, invalid: 1 })
})

test('an e-mail is free again when its record has another one or is gone, and no sooner', async () => {
  using world = linkedWorld(ROWS)
  await world.run()
  world.source.rows = [
    ['1', 'ann@x', 'Ann'],
    ['3', 'carol@x', 'Cy'],
    ['4', 'cy@x', 'New Cy'],
    ['5', 'bob@x', 'New Bob'],
  ]
  const first = await world.run()
  assert.deepEqual(some(first.counts), { read: 4, unchanged: 1, updated: 1, invalid: 2, missing: 1, kept: 1 })
  const second = await world.run()
  assert.deepEqual(some(second.counts), { read: 4, unchanged: 2, inserted: 1, updated: 1 })
  assert.deepEqual(world.contacts(), ['ann@x 1 Ann', 'bob@x 5 New Bob', 'carol@x 3 Cy', 'cy@x 4 New Cy'])
})

test('a refused insert gives its e-mail back, and a refused update keeps the one it had', async () => {
  let refused = 'bad'
  using world = linkedWorld([...ROWS, ['4', 'dee@x', 'bad']], {
    refuses: (record) => (record['name'] === refused ? 'refused' : undefined),
  })
  assert.deepEqual(some((await world.run()).counts), { read: 4, inserted: 3, rejected: 1 })
  world.source.rows = [
    ['1', 'ann2@x', 'bad'],
    ROWS[1] as Row,
    ROWS[2] as Row,
    ['5', 'dee@x', 'Dee'],
    ['6', 'ann@x', 'Thief'],
  ]
  const second = await world.run()
  assert.deepEqual(some(second.counts), { read: 5, unchanged: 2, inserted: 1, rejected: 1, invalid: 1 })
  refused = 'nobody'
  world.source.rows = [
    ['1', 'ann2@x', 'good'],
    ROWS[1] as Row,
    ROWS[2] as Row,
    ['5', 'dee@x', 'Dee'],
    ['7', 'ann2@x', 'Late'],
  ]
  assert.deepEqual(some((await world.run()).counts), { read: 5, unchanged: 3, updated: 1, invalid: 1 })
  assert.deepEqual(world.contacts(), ['ann2@x 1 good', 'bob@x 2 Bob', 'cy@x 3 Cy', 'dee@x 5 Dee'])
})

test('a refused update gives the e-mail back that it would have got', async () => {
  using world = linkedWorld(ROWS, { refuses: (record) => (record['name'] === 'bad' ? 'refused' : undefined) })
  await world.run()
  world.source.rows = [['1', 'ann2@x', 'bad'], ROWS[1] as Row, ROWS[2] as Row]
  assert.deepEqual(some((await world.run()).counts), { read: 3, unchanged: 2, rejected: 1 })
  world.source.rows = [...ROWS, ['4', 'ann2@x', 'Dee']]
  assert.deepEqual(some((await world.run()).counts), { read: 4, unchanged: 3, inserted: 1 })
  assert.deepEqual(world.contacts(), ['ann2@x 4 Dee', 'ann@x 1 Ann', 'bob@x 2 Bob', 'cy@x 3 Cy'])
})

test('a record that is gone is made again under the new e-mail, and its new id is kept', async () => {
  using world = linkedWorld(ROWS)
  await world.run()
  world.destination.records.clear()
  world.source.rows = ROWS.map(([id, email, name]) => [id as string, `new-${email}`, name as string])
  assert.deepEqual(some((await world.run()).counts), { read: 3, inserted: 3 })
  world.source.rows = []
  world.destination.writes.length = 0
  assert.deepEqual(some((await world.run()).counts), { missing: 3, deleted: 3 })
  assert.deepEqual(world.destination.writes, ['delete 4,5,6'])
  assert.equal(world.destination.records.size, 0)
})

test('a row that the destination takes for the record of another is rejected, and the other one is mended', async () => {
  using world = linkedWorld(ROWS)
  await world.run()
  const [ann] = [...world.destination.records].find(([, record]) => record['ref'] === '1') as [string, unknown]
  world.destination.secondary.set('second@x', ann)
  world.source.rows = [...ROWS, ['4', 'second@x', 'Four']]
  const { met, onIssue } = issues()
  assert.deepEqual(some((await world.run({ onIssue })).counts), { read: 4, unchanged: 3, rejected: 1 })
  assert.deepEqual([met[0]?.code, met[0]?.key], ['same_record', '4'])
  assert.match(met[0]?.message ?? '', /record 1, which is that of key 1; leave one of the two rows out/)
  assert.equal(world.destination.records.get(ann)?.['ref'], '4')
  // From now on it is refused before it is sent, and the record is its owner's again.
  for (const counts of [
    { read: 4, unchanged: 2, updated: 1, invalid: 1 },
    { read: 4, unchanged: 3, invalid: 1 },
  ]) {
    assert.deepEqual(some((await world.run()).counts), counts)
    assert.equal(world.destination.records.get(ann)?.['ref'], '1')
  }
  // With --full the destination is asked again.
  world.destination.secondary.clear()
  assert.deepEqual(some((await world.run({ full: true })).counts), { read: 4, updated: 3, inserted: 1 })
  assert.deepEqual(world.contacts(), ['ann@x 1 Ann', 'bob@x 2 Bob', 'cy@x 3 Cy', 'second@x 4 Four'])
})

test('two new rows of one batch that the destination takes for one record are told apart by its answer', async () => {
  using world = linkedWorld([
    ['1', 'first@x', 'One'],
    ['2', 'second@x', 'Two'],
  ])
  const id = world.destination.add({ email: 'main@x' })
  world.destination.secondary.set('first@x', id)
  world.destination.secondary.set('second@x', id)
  assert.deepEqual(some((await world.run()).counts), { read: 2, updated: 1, rejected: 1 })
  for (const counts of [
    { read: 2, updated: 1, invalid: 1 },
    { read: 2, unchanged: 1, invalid: 1 },
  ]) {
    assert.deepEqual(some((await world.run()).counts), counts)
    assert.equal(world.destination.records.get(id)?.['ref'], '1')
  }
})

test('the record of a row that was taken for it is not deleted when its own row goes at the same time', async () => {
  using world = linkedWorld(ROWS)
  await world.run()
  const [ann] = [...world.destination.records].find(([, record]) => record['ref'] === '1') as [string, unknown]
  world.destination.secondary.set('second@x', ann)
  world.source.rows = [ROWS[1] as Row, ROWS[2] as Row, ['4', 'second@x', 'Four']]
  const first = await world.run()
  assert.deepEqual(some(first.counts), { read: 3, unchanged: 2, rejected: 1, missing: 1, kept: 1 })
  assert.ok(world.destination.records.has(ann))
  assert.deepEqual(some((await world.run()).counts), { read: 3, unchanged: 2, updated: 1 })
  assert.equal(world.destination.records.get(ann)?.['ref'], '4')
})

test('a record that is marked instead of deleted is found by its id when its row is back, or lives on for another', async () => {
  using world = linkedWorld(ROWS)
  const deletes = { as: { gone: 'yes' } }
  await world.run({}, { deletes })
  world.source.rows = [ROWS[0] as Row]
  world.destination.writes.length = 0
  assert.deepEqual(some((await world.run({}, { deletes })).counts), { read: 1, unchanged: 1, missing: 2, deleted: 2 })
  assert.deepEqual(world.destination.writes, ['update 2,3'])
  world.source.rows = [ROWS[0] as Row, ['2', 'bob2@x', 'Bob'], ['9', 'cy@x', 'Nine']]
  assert.deepEqual(some((await world.run({}, { deletes })).counts), { read: 3, unchanged: 1, updated: 2 })
  assert.deepEqual(
    [...world.destination.records.values()].map(({ email, ref, gone }) => [email, ref, gone]),
    [
      ['ann@x', '1', null],
      ['bob2@x', '2', null],
      ['cy@x', '9', null],
    ],
  )
})

test('a row without an e-mail is refused, and its record stays', async () => {
  using world = linkedWorld(ROWS)
  await world.run()
  world.source.rows = [['1', null, 'Ann'], ROWS[1] as Row, ROWS[2] as Row]
  const { met, onIssue } = issues()
  assert.deepEqual(some((await world.run({ onIssue })).counts), { read: 3, invalid: 1, unchanged: 2 })
  assert.equal(met[0]?.code, 'missing_match')
  assert.equal(world.destination.records.size, 3)
})

test('a record that was only found by its former e-mail is not taken for what its row says', async () => {
  const controller = new AbortController()
  const script: LinkedOptions['script'] = async ({ batch, apply }) => {
    calls.push(batch.operation)
    if (calls.length === 1) {
      apply()
      throw new FatalError('lost', 'the answer is lost; run again')
    }
    if (calls.length > 2) return apply()
    controller.abort('SIGINT')
    return [...apply(0, 1), { status: 'deferred', code: 'locked', message: 'somebody edits it' }]
  }
  const calls: string[] = []
  using world = linkedWorld([ROWS[0] as Row, ROWS[1] as Row], { script })
  assert.equal((await world.run()).error?.code, 'lost')
  world.source.rows = [
    ['1', 'anna@x', 'Ann'],
    ['2', 'rob@x', 'Rob'],
  ]
  assert.equal((await world.run({ signal: controller.signal })).status, 'cancelled')
  assert.deepEqual(calls, ['upsert', 'upsert'])
  assert.equal((await world.run()).status, 'succeeded')
  assert.deepEqual(world.contacts(), ['anna@x 1 Ann', 'rob@x 2 Rob'])
})

test('a row that was never answered and is gone keeps no e-mail from others, and nothing of theirs is deleted for it', async () => {
  let lost = false
  const script: LinkedOptions['script'] = async ({ apply }) => {
    if (lost) throw new FatalError('lost', 'it is not known whether it came; run again')
    return apply()
  }
  using world = linkedWorld(ROWS, { script })
  const upsert = { mode: 'upsert' } as const
  await world.run({}, upsert)
  lost = true
  world.source.rows = [...ROWS, ['4', 'dee@x', 'Dee']]
  assert.equal((await world.run({}, upsert)).error?.code, 'lost')
  lost = false
  world.source.rows = [['1', 'dee@x', 'Ann'], ROWS[1] as Row, ROWS[2] as Row]
  assert.deepEqual(some((await world.run({}, upsert)).counts), {
    read: 3,
    unchanged: 2,
    invalid: 1,
    missing: 1,
    kept: 1,
  })
  const next = await world.run({}, upsert)
  assert.deepEqual(some(next.counts), { read: 3, unchanged: 2, updated: 1, missing: 1, kept: 1 })
  const deleting = snapshotOf(world.state)
  assert.deepEqual(some((await world.run()).counts), { read: 3, unchanged: 3, missing: 1, deleted: 1 })
  assert.deepEqual(world.contacts(), ['bob@x 2 Bob', 'cy@x 3 Cy', 'dee@x 1 Ann'])
  // Or its row is back, with another e-mail: the one of before is not its any more.
  restore(world.state, deleting)
  world.source.rows = [...world.source.rows, ['4', 'eve@x', 'Dee']]
  world.destination.writes.length = 0
  assert.deepEqual(some((await world.run({}, upsert)).counts), { read: 4, unchanged: 3, inserted: 1 })
  assert.deepEqual(world.destination.writes, ['upsert eve@x'])
})

test('a record that another row was written to is mended, also where its own row was refused in between', async () => {
  using world = linkedWorld(ROWS, {
    rows: 1,
    inFlight: 1,
    refuses: (record) => (record['name'] === 'bad' ? 'refused' : undefined),
  })
  await world.run()
  const [ann] = [...world.destination.records].find(([, record]) => record['ref'] === '1') as [string, unknown]
  world.destination.secondary.set('second@x', ann)
  world.source.rows = [['0', 'second@x', 'Zero'], ['1', 'ann@x', 'bad'], ROWS[1] as Row, ROWS[2] as Row]
  assert.deepEqual(some((await world.run()).counts), { read: 4, unchanged: 2, rejected: 2 })
  assert.equal(world.destination.records.get(ann)?.['ref'], '0')
  world.source.rows = ROWS
  assert.deepEqual(some((await world.run()).counts), { read: 3, unchanged: 2, updated: 1 })
  assert.deepEqual(world.contacts(), ['ann@x 1 Ann', 'bob@x 2 Bob', 'cy@x 3 Cy'])
})

test('a key that the list spells otherwise than its row is counted once when both are gone', async () => {
  using world = linkedWorld(
    [
      ['1', 'ANN@x', 'Ann'],
      ['2', 'BOB@x', 'Bob'],
      ['3', 'ZED@x', 'Zed'],
      ['4', 'dee@x', 'Dee'],
    ],
    { rows: 1, inFlight: 1, lists: 'paged' },
  )
  world.destination.add({ email: 'zed@x' })
  const byEmail = { key: 'email', deletes: { scope: 'all' } } as const
  const part = await world.run({ limit: 4 }, byEmail)
  assert.deepEqual(some(part.counts), { read: 4, inserted: 3, updated: 1 })
  world.source.rows = []
  const { status, error, counts } = await world.run({}, byEmail)
  assert.deepEqual([status, error, some(counts)], ['succeeded', null, { missing: 5, deleted: 4, kept: 1 }])
  assert.equal(world.destination.records.size, 0)
})

test('a plan names what it would change by its key, whatever it is found by', async () => {
  using world = linkedWorld(ROWS)
  const planned = async () => {
    const samples: string[] = []
    await world.run({ dryRun: true, onChange: ({ operation, key }) => samples.push(`${operation} ${key}`) })
    return samples
  }
  assert.deepEqual(await planned(), ['insert 1', 'insert 2', 'insert 3'])
  await world.run()
  world.source.rows = [
    ['1', 'anna@x', 'Ann'],
    ['3', 'cy@x', 'Cy'],
    ['4', 'dee@x', 'Dee'],
  ]
  assert.deepEqual(await planned(), ['insert 4', 'update 1', 'delete 2'])
})

test('a dry run says the same, and leaves no link behind', async () => {
  using world = linkedWorld([...ROWS, ['4', 'ann@x', 'Again']])
  const notes: string[] = []
  const planned = await world.run({ dryRun: true, onNote: (note) => notes.push(note) })
  assert.ok(notes.some((note) => note.startsWith('records are found by email, which is not the key id')))
  assert.deepEqual(some(planned.counts), { read: 4, inserted: 3, invalid: 1 })
  const done = await world.run()
  assert.deepEqual(done.counts, planned.counts)
  world.source.rows = [
    ['1', 'new@x', 'Ann'],
    ['5', 'bob@x', 'Bob'],
  ]
  const plan = await world.run({ dryRun: true })
  assert.deepEqual((await world.run({ dryRun: true })).counts, plan.counts)
  assert.deepEqual((await world.run()).counts, plan.counts)
})

test('an index that was made for one match is not used for another', async () => {
  using world = linkedWorld(ROWS)
  await world.run()
  const destination = { connection: 'to', object: 'contacts' }
  const byKey = await world.run({}, { destination })
  assert.equal(byKey.error?.code, 'index_key_changed')
  assert.match(byKey.error?.message ?? '', /the match has changed.*rowferry index rebuild people/)
  const byName = await world.run({}, { destination: { ...destination, match: 'name' } })
  assert.equal(byName.error?.code, 'index_key_changed')
})

test('an index that is rebuilt lists no e-mails for keys', async () => {
  using world = linkedWorld(ROWS, { lists: 'paged' })
  await world.run()
  const { source, destination } = world
  const own = { sources: [source.definition], destinations: [destination.definition] }
  assert.equal((await rebuildIndex(world.config(), own)).listed, null)
  // The records are found by their e-mails again.
  assert.deepEqual(some((await world.run()).counts), { read: 3, updated: 3 })
})

test('what a destination has noted outlives a rebuilt index, and no index that cannot be read', async () => {
  using world = linkedWorld(ROWS)
  const { source, destination, index } = world
  const { definition } = destination
  const met: string[][] = []
  const open: typeof definition.open = async (options, request, context) => {
    met.push([...context.notes.all().values()])
    context.notes.set('job', 'tok-1')
    return definition.open(options, request, context)
  }
  const own = { sources: [source.definition], destinations: [{ ...definition, open }] }
  await world.run(own)
  await rebuildIndex(world.config(), own)
  await world.run(own)
  assert.deepEqual(met, [[], [], ['tok-1']])
  writeFileSync(index, 'no database')
  await rebuildIndex(world.config(), own)
  await world.run(own)
  assert.deepEqual(met.slice(3), [[], []])
})

test('a record that somebody deleted gives its e-mail back once a list shows that it is gone', async () => {
  using world = linkedWorld([['1', 'Ann@x', 'Ann']], { lists: 'paged' })
  const byEmail = { key: 'email', index: { refresh: 'always' } } as const
  await world.run({}, byEmail)
  world.destination.records.clear()
  world.source.rows = [['1', 'ANN@x', 'Ann']]
  assert.deepEqual(some((await world.run({}, byEmail)).counts), { read: 1, inserted: 1 })
  assert.deepEqual(world.contacts(), ['ANN@x 1 Ann'])
})

test('where the match is the key, keys that are one record to the destination are told apart all the same', async () => {
  using world = linkedWorld(
    [
      ['1', 'Ann@x', 'Ann'],
      ['2', 'ann@X', 'Other'],
      ['3', 'cy@x', 'Cy'],
    ],
    { lists: 'paged' },
  )
  world.destination.add({ email: 'CY@x' })
  world.destination.add({ email: 'foreign@x' })
  const byEmail = { key: 'email', deletes: { scope: 'all' }, index: { refresh: 'always' } } as const
  const { met, onIssue } = issues()
  const first = await world.run({ onIssue }, byEmail)
  // `CY@x` is in the list and not in the model, and is the record of `cy@x`; the foreign one is deleted.
  assert.deepEqual(some(first.counts), {
    read: 3,
    inserted: 1,
    updated: 1,
    invalid: 1,
    missing: 2,
    kept: 1,
    deleted: 1,
  })
  assert.deepEqual([met[0]?.code, met[0]?.key], ['duplicate_match', 'ann@X'])
  assert.deepEqual(world.contacts(), ['Ann@x 1 Ann', 'cy@x 3 Cy'])
})

const ANN: Row = ['1', 'ann@x', 'Ann']
const ANNA: Row = ['1', 'anna@x', 'Anna']

test('update-only asks for the record by its e-mail, and never makes one', async () => {
  using world = linkedWorld([ANN, ['2', 'bob@x', 'Bob']])
  world.destination.add({ email: 'ann@x', name: 'by hand' })
  const mode = 'update-only' as const
  assert.deepEqual(some((await world.run({}, { mode })).counts), { read: 2, updated: 1, skipped: 1 })
  world.source.rows = [ANNA, ['3', 'bob@x', 'Bob']]
  assert.deepEqual(some((await world.run({}, { mode })).counts), { read: 2, updated: 1, skipped: 1 })
  assert.deepEqual(world.contacts(), ['anna@x 1 Anna'])
})

test('insert-only leaves records that are there as they are, and remembers whose they are', async () => {
  using world = linkedWorld([ANN, ['2', 'bob@x', 'Bob'], ['3', 'BOB@x', 'Again']])
  world.destination.add({ email: 'ann@x', name: 'by hand' })
  const mode = 'insert-only' as const
  assert.deepEqual(some((await world.run({}, { mode })).counts), { read: 3, inserted: 1, skipped: 1, invalid: 1 })
  world.source.rows = [ANNA, ['4', 'ann@x', 'Thief']]
  await world.run({}, { mode })
  assert.deepEqual(world.contacts(), ['ann@x - by hand', 'bob@x 2 Bob'])
})
