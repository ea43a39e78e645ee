import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatorOptionsError } from '../../src/simulators/simulator-options.ts'
import { startSimulator } from '../../src/simulators/start-simulator.ts'
import { DATA, withOrg } from './salesforce-org.ts'

test('records are edited by hand: created, changed and deleted, and the journal names no request', async () => {
  await withOrg({}, async (org) => {
    const { ids } = await org.door('/__records/Contact', [
      { LastName: 'A', External_Id__c: 'a' },
      { FirstName: 'no last name' },
    ])
    await org.door('/__records/Contact', [
      { Id: ids[0], LastName: 'B' },
      { Id: ids[1], IsDeleted: true },
    ])
    const [record, ...others] = await org.records('Contact')
    assert.deepEqual([record.Id, record.LastName, others.length], [ids[0], 'B', 0])
    assert.deepEqual(await org.door('/__records/Contact?fields=LastName'), [{ LastName: 'B' }])
    const found = await org.ask('GET', '/sobjects/Contact/External_Id__c/a')
    assert.equal(found.body.Id, ids[0])
    const { writes } = await org.door('/__journal')
    assert.deepEqual(
      writes.map(({ request, change }: { request: null; change: string }) => [request, change]),
      [
        [null, 'created'],
        [null, 'created'],
        [null, 'updated'],
        [null, 'deleted'],
      ],
    )
    const wrong = [[{ Id: ids[1], LastName: 'C' }], [{ Nothing__c: 1 }], { LastName: 'no list' }]
    for (const body of wrong) assert.equal((await org.ask('POST', '/services/../__records/Contact', body)).status, 400)
  })
})

test('settings change while it runs, and only those that may', async () => {
  await withOrg({}, async (org) => {
    assert.deepEqual(await org.door('/__settings', { hard_delete: true, batch_size: 5 }), {})
    assert.equal((await org.createJob({ operation: 'hardDelete' })).status, 200)
    assert.match((await org.door('/__settings', { daily_limit: 5 })).message, /^setting daily_limit is none of/)
    assert.match((await org.door('/__settings', { lock_rate: 2 })).message, /^setting lock_rate has to be a share/)
  })
})

test('a reset forgets records, jobs, sessions and settings', async () => {
  await withOrg({}, async (org) => {
    await org.door('/__records/Contact', [{ LastName: 'A' }])
    await org.door('/__settings', { hard_delete: true })
    await org.createJob({})
    await org.door('/__reset', {})
    assert.equal((await org.ask('GET', '/limits')).status, 401)
    const headers = { authorization: `Bearer ${await org.signIn()}` }
    assert.deepEqual(await org.records('Contact'), [])
    assert.deepEqual((await org.ask('GET', '/jobs/ingest', undefined, headers)).body.records, [])
    assert.equal(
      (await org.ask('POST', '/jobs/ingest', { object: 'Contact', operation: 'hardDelete' }, headers)).status,
      400,
    )
  })
})

test('options that make no sense are refused', async () => {
  const wrong = [
    { daily_limit: 0 },
    { objects: [{}] },
    { lock_rate: 2 },
    { fail_jobs: {} },
    { empty_results: 'x' },
    { sandbox: 1 },
  ]
  for (const options of wrong) {
    await assert.rejects(
      startSimulator('salesforce', options as object),
      SimulatorOptionsError,
      JSON.stringify(options),
    )
  }
})

test('the same seed gives the same order of results and the same locked rows', async () => {
  const run = async (seed: number) => {
    const answers: string[] = []
    await withOrg({ seed, row_lock_rate: 0.3 }, async (org) => {
      const rows = Array.from({ length: 100 }, (_, at) => `L${at}`).join('\n')
      const { successful } = await org.runJob({}, `LastName\n${rows}\n`)
      answers.push(...successful.map((line) => line.split(',').at(-1) as string))
    })
    return answers
  }
  const first = await run(7)
  assert.deepEqual(await run(7), first)
  assert.notDeepEqual(await run(8), first)
})

test('ten thousand rows go through a job of several batches', async () => {
  await withOrg({ batch_size: 1000 }, async (org) => {
    const rows = Array.from({ length: 10_000 }, (_, at) => `k${at},"L, ${at}",p${at}@example.com`)
    const csv = `External_Id__c,LastName,Email\n${rows.join('\n')}\n`
    const job = await org.runJob({ operation: 'upsert', externalIdFieldName: 'External_Id__c' }, csv)
    assert.deepEqual(
      [job.info.state, job.info.numberRecordsProcessed, job.successful.length],
      ['JobComplete', 10_000, 10_001],
    )
    const again = await org.runJob({ operation: 'upsert', externalIdFieldName: 'External_Id__c' }, csv)
    assert.ok(again.successful.slice(1).every((line) => line.includes(',"false",')))
    assert.equal((await org.records('Contact')).length, 10_000)
    assert.equal((await org.ask('GET', `${DATA}/query?q=SELECT+COUNT()+FROM+Contact`)).body.totalSize, 10_000)
  })
})
