import assert from 'node:assert/strict'
import { SALESFORCE_CSV_BEHAVIOURS } from '../../src/simulators/salesforce-csv-behaviours.ts'
import type { SalesforceOptions } from '../../src/simulators/salesforce-options.ts'
import { codeOf, type JobForm, type Org, people, withOrg } from './salesforce-org.ts'
import { behaviourTests } from './simulator-behaviour.ts'

const behaviour = behaviourTests(SALESFORCE_CSV_BEHAVIOURS)

function on(id: string, work: (org: Org) => Promise<void>, options: SalesforceOptions = {}): void {
  behaviour(id, () => withOrg(options, work))
}

const UPSERT: JobForm = { operation: 'upsert', externalIdFieldName: 'External_Id__c' }
on('csv.empty', async (org) => {
  const csv = (first: string, title: string) => `External_Id__c,LastName,FirstName,Title\na,Doe,${first},${title}\n`
  await org.runJob(UPSERT, csv('Jane', 'Boss'))
  await org.runJob(UPSERT, csv('', '#N/A'))
  const [record] = await org.records('Contact')
  assert.deepEqual([record.FirstName, record.Title], ['Jane', null])
})

on('csv.quotes', async (org) => {
  await org.runJob({}, 'LastName,Description,Title\n"Doe","one\ntwo, ""three""",plain\n"""q""","",""\n')
  const records = await org.records('Contact')
  assert.deepEqual(
    records.map(({ LastName, Description, Title }) => [LastName, Description, Title]),
    [
      ['Doe', 'one\ntwo, "three"', 'plain'],
      ['"q"', null, null],
    ],
  )
})

on('csv.line-ending', async (org) => {
  const crlf = people(2).replaceAll('\n', '\r\n')
  const good = await org.runJob({ lineEnding: 'CRLF' }, crlf)
  assert.deepEqual([good.info.state, good.info.numberRecordsProcessed], ['JobComplete', 2])
  for (const [lineEnding, csv] of [
    ['LF', crlf],
    ['CRLF', people(2)],
  ] as const) {
    const { info } = await org.runJob({ lineEnding }, csv)
    const message = `ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is ${lineEnding}`
    assert.deepEqual([info.state, info.errorMessage], ['Failed', message])
  }
  assert.equal((await org.records('Contact')).length, 2)
})

on('csv.delimiter', async (org) => {
  const delimiters = { BACKQUOTE: '`', CARET: '^', COMMA: ',', PIPE: '|', SEMICOLON: ';', TAB: '\t' }
  for (const [columnDelimiter, character] of Object.entries(delimiters)) {
    const csv = people(1).replaceAll(',', character).replaceAll('0', columnDelimiter)
    const { info, successful } = await org.runJob({ columnDelimiter }, csv)
    assert.equal(info.numberRecordsProcessed - info.numberRecordsFailed, 1, columnDelimiter)
    assert.equal(successful[0], `"sf__Id"${character}"sf__Created"${character}External_Id__c${character}LastName`)
  }
  assert.equal((await org.records('Contact')).length, 6)
})

on('csv.bom', async (org) => {
  const { info } = await org.runJob({}, `\uFEFF${people(1)}`)
  assert.deepEqual([info.state, info.numberRecordsFailed], ['JobComplete', 0])
})

on('csv.header-order', async (org) => {
  await org.runJob(UPSERT, 'LastName,Title,External_Id__c\nA,Boss,a\n')
  await org.runJob(UPSERT, 'External_Id__c,Title,LastName\na,Chief,B\n')
  const [{ Title, LastName }] = await org.records('Contact')
  assert.deepEqual([Title, LastName], ['Chief', 'B'])
})

/** A job fails before any row, and says why. */
async function failsBeforeRows(org: Org, form: JobForm, csv: string, message: string | RegExp): Promise<void> {
  const { info, successful, failed, unprocessed } = await org.runJob(form, csv)
  assert.deepEqual([info.state, info.numberRecordsProcessed], ['Failed', 0])
  assert.match(info.errorMessage, typeof message === 'string' ? new RegExp(message.replaceAll('.', '\\.')) : message)
  const rows = csv.trim().split('\n').length
  assert.deepEqual([successful.length, failed.length, unprocessed.length], [1, 1, rows])
  assert.deepEqual(await org.records('Contact'), [])
}

on('csv.header-unknown', async (org) => {
  const message = 'InvalidBatch : Field name not found : Nothing__c'
  await failsBeforeRows(org, {}, 'LastName,Nothing__c\nA,1\nB,2\n', message)
  await failsBeforeRows(org, {}, 'LastName,LastName\nA,1\n', 'Duplicate field name')
})

on('csv.header-read-only', async (org) => {
  await failsBeforeRows(
    org,
    {},
    'LastName,CreatedDate\nA,2026-11-23T00:00:00Z\n',
    'Unable to create/update fields: CreatedDate',
  )
})

on('csv.header-case', async (org) => {
  await failsBeforeRows(org, {}, 'LastName,email\nA,a@x.com\n', 'Field name not found : email')
})

on('csv.header-id', async (org) => {
  await failsBeforeRows(org, { operation: 'update' }, 'LastName\nA\n', 'Field name not found : Id')
  await failsBeforeRows(org, UPSERT, 'LastName\nA\n', 'Field name not found : External_Id__c')
})

on('csv.empty-id', async (org) => {
  const { failed, successful } = await org.runJob(UPSERT, 'Id,External_Id__c,LastName\n,a,A\n003000000000000AAA,b,B\n')
  assert.equal(successful.length, 2)
  assert.match(failed[1] as string, /INVALID_FIELD:The Id field should not be specified/)
})

on('csv.delete-columns', async (org) => {
  await failsBeforeRows(
    org,
    { operation: 'delete' },
    'Id,LastName\n003000000000000AAA,A\n',
    'Field name not found : LastName',
  )
})

on(
  'csv.ragged',
  async (org) => {
    const { info, unprocessed } = await org.runJob({}, `${people(5)}k,L,more\n`)
    assert.deepEqual([info.state, info.numberRecordsProcessed], ['Failed', 4])
    assert.deepEqual(unprocessed.slice(1).sort(), ['k,L,more', 'k4,L4'])
  },
  { batch_size: 2, parallel_batches: 1 },
)

on('csv.types', async (org) => {
  const csv =
    'LastName,Birthdate,LastContacted__c,LifetimeValue__c\nA,23.11.2026,,\nB,,2026-11-23 10:00:00,\nC,,,1.000\nD,,,"1,000"\nE,2026-11-23Z,2026-11-23T10:00:00.000Z,1e3\n'
  const { failed, successful } = await org.runJob({}, csv)
  assert.equal(successful.length, 3)
  const text = failed.join('\n')
  for (const [value, column, type, field] of [
    ['23.11.2026', 1, 'date', 'Birthdate'],
    ['2026-11-23 10:00:00', 2, 'dateTime', 'LastContacted__c'],
    ['1,000', 3, 'double', 'LifetimeValue__c'],
  ]) {
    const error = `INVALID_FIELD:Failed to deserialize field at col ${column}. Due to, '${value}' is not a valid value for the type xsd:${type}:${field} --`
    assert.ok(text.includes(error), `${error} in ${text}`)
  }
})

on('csv.booleans', async (org) => {
  const words = ['true', 'YES', 'y', 'On', '1', 'false', 'No', 'n', 'OFF', '0', 'maybe']
  const rows = words.map((word) => `${word},${word}`).join('\n')
  const { failed } = await org.runJob({}, `LastName,HasOptedOutOfEmail\n${rows}\n`)
  assert.equal(failed.length, 2)
  const records = await org.records('Contact')
  assert.deepEqual(
    records.map((record) => record.HasOptedOutOfEmail),
    [true, true, true, true, true, false, false, false, false, false],
  )
})

on(
  'csv.lookup',
  async (org) => {
    await org.runJob({ object: 'Account' }, 'Name,External_Id__c\nAcme,acme\n')
    const [{ Id: account }] = await org.records('Account')
    const csv = 'LastName,Account.External_Id__c\nA,ACME\nB,#N/A\nC,nobody\n'
    const { failed } = await org.runJob({}, csv)
    const contacts = await org.records('Contact')
    assert.deepEqual(
      contacts.map(({ LastName, AccountId }) => [LastName, AccountId]),
      [
        ['A', account],
        ['B', null],
      ],
    )
    assert.match(
      failed[1] as string,
      /INVALID_FIELD:Foreign key external ID: nobody not found for field External_Id__c in entity Account/,
    )
    await org.runJob({ object: 'Note__c' }, 'Name,Account:About__r.External_Id__c\nN,acme\n')
    assert.equal((await org.records('Note__c'))[0].About__c, account)
    const unclear = await org.runJob({ object: 'Note__c' }, 'Name,About__r.External_Id__c\nN,acme\n')
    assert.equal(unclear.info.state, 'Failed')
  },
  {
    objects: [
      { name: 'Note__c', fields: [{ name: 'About__c', type: 'reference', referenceTo: ['Account', 'Contact'] }] },
    ],
  },
)

on('bulk.upsert-id', async (org) => {
  await org.runJob({}, people(1))
  const [{ Id }] = await org.records('Contact')
  const { successful } = await org.runJob(
    { operation: 'upsert', externalIdFieldName: 'Id' },
    `Id,LastName\n${Id},New\n,Other\n`,
  )
  assert.ok(successful.includes(`"${Id}","false",${Id},New`))
  assert.deepEqual((await org.records('Contact')).map(({ LastName }) => LastName).sort(), ['New', 'Other'])
})

on('bulk.duplicate', async (org) => {
  const { failed, successful } = await org.runJob(UPSERT, `${people(3)}K1,Again\n`)
  assert.deepEqual(
    failed
      .slice(1)
      .map((line) => line.split(',').slice(2).join())
      .sort(),
    ['K1,Again', 'k1,L1'],
  )
  assert.match(failed.join(), /DUPLICATE_VALUE:Duplicate external id specified: [Kk]1:External_Id__c --/)
  assert.equal(successful.length, 3)
})

on('bulk.update', async (org) => {
  await org.runJob({}, people(2))
  const [{ Id }, other] = await org.records('Contact')
  const csv = `Id,Title\n${Id},Boss\n${other.Id},One\n${other.Id},Two\n003000000000000AAA,x\n`
  const { failed, successful } = await org.runJob({ operation: 'update' }, csv)
  assert.deepEqual(successful.slice(1), [`"${Id}","false",${Id},Boss`])
  assert.equal(failed.length, 4)
  assert.match(failed.join(), /INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--/)
  assert.match(failed.join(), /DUPLICATE_VALUE/)
})

on('bulk.delete', async (org) => {
  await org.runJob({}, people(3))
  const ids = (await org.records('Contact')).map(({ Id }) => Id)
  const first = await org.runJob({ operation: 'delete' }, `Id\n${ids[0]}\n${ids[1]}\n`)
  assert.equal(first.successful[0], '"sf__Id","sf__Created",Id')
  assert.deepEqual(
    (await org.records('Contact')).map(({ Id }) => Id),
    [ids[2]],
  )
  const all = await org.ask('GET', '/queryAll?q=SELECT+Id+FROM+Contact')
  assert.equal(all.body.totalSize, 3)
  const second = await org.runJob({ operation: 'delete' }, `Id\n${ids[0]}\n`)
  assert.match(second.failed[1] as string, /ENTITY_IS_DELETED:entity is deleted:--/)
})

on('bulk.hard-delete', async (org) => {
  await org.runJob({}, people(1))
  const [{ Id }] = await org.records('Contact')
  const refused = await org.createJob({ operation: 'hardDelete' })
  assert.deepEqual(codeOf(refused), [400, 'FEATURENOTENABLED'])
  await org.door('/__settings', { hard_delete: true })
  const { successful } = await org.runJob({ operation: 'hardDelete' }, `Id\n${Id}\n`)
  assert.equal(successful.length, 2)
  assert.equal((await org.ask('GET', '/queryAll?q=SELECT+Id+FROM+Contact')).body.totalSize, 0)
  const { failed } = await org.runJob({ operation: 'delete' }, `Id\n${Id}\n`)
  assert.match(failed[1] as string, /INVALID_CROSS_REFERENCE_KEY/)
})

on(
  'bulk.locks',
  async (org) => {
    await org.runJob({ object: 'Account' }, 'Name,External_Id__c\nShared,shared\nFirst,first\nSecond,second\n')
    const rows = [...Array(20).keys()].map(
      (at) => `k${at},L${at},${at % 2 === 0 ? 'shared' : at < 10 ? 'first' : 'second'}`,
    )
    const csv = (lines: string[]) => `External_Id__c,LastName,Account.External_Id__c\n${lines.join('\n')}\n`
    const { failed, successful, info } = await org.runJob(UPSERT, csv(rows))
    assert.equal(info.state, 'JobComplete')
    const locked = failed.slice(1).map((line) => line.split(',').slice(2))
    assert.deepEqual([locked.length, successful.length], [10, 11])
    assert.ok(locked.every(([, , parent]) => parent === 'shared'))
    assert.match(
      failed[1] as string,
      /UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: 001/,
    )
    await org.door('/__settings', { parallel_batches: 1 })
    const again = await org.runJob(UPSERT, csv(locked.map((cells) => cells.join())))
    assert.equal(again.successful.length, 11)
    assert.equal((await org.records('Contact')).length, 20)
  },
  { batch_size: 10, parallel_batches: 2, lock_rate: 1 },
)
