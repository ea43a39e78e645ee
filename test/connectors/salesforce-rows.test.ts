import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { csvHeader, csvRow, rowDigest } from '../../src/connectors/salesforce-csv-rows.ts'
import { type ObjectDescription, objectDescription } from '../../src/connectors/salesforce-describe.ts'
import { resolveField, type SalesforceField } from '../../src/connectors/salesforce-fields.ts'
import { jsonRecord } from '../../src/connectors/salesforce-json-rows.ts'
import { type ResultRow, readResultFile } from '../../src/connectors/salesforce-result-file.ts'
import { parseRowError, refusedOutcome } from '../../src/connectors/salesforce-row-errors.ts'
import { cellsOf, rowForm, rowKey, type Way } from '../../src/connectors/salesforce-rows.ts'
import { TextSpool } from '../../src/connectors/salesforce-spool.ts'
import type { Field } from '../../src/core/change.ts'
import type { ValueKind } from '../../src/core/column.ts'
import { FatalError } from '../../src/core/errors.ts'

const open = { createable: true, updateable: true }
const CONTACT = objectDescription.parse({
  name: 'Contact',
  fields: [
    { name: 'Id', type: 'id' },
    { name: 'Ext__c', type: 'string', externalId: true, unique: true, length: 20, ...open },
    { name: 'LastName', type: 'string', length: 80, nillable: false, ...open },
    { name: 'Score__c', type: 'double', ...open },
    { name: 'Active__c', type: 'boolean', nillable: false, defaultedOnCreate: true, ...open },
    { name: 'AccountId', type: 'reference', referenceTo: ['Account'], relationshipName: 'Account', ...open },
    {
      name: 'WhoId',
      type: 'reference',
      referenceTo: ['Contact', 'Lead'],
      relationshipName: 'Who',
      polymorphicForeignKey: true,
      ...open,
    },
  ],
})
const PARENT = objectDescription.parse({
  name: 'Account',
  fields: [{ name: 'Ext__c', type: 'string', externalId: true, ...open }],
})

async function fieldsOf(...names: readonly (string | Partial<Field>)[]): Promise<SalesforceField[]> {
  const kinds: Readonly<Record<string, ValueKind>> = { Score__c: 'decimal', Active__c: 'boolean' }
  const found: SalesforceField[] = []
  for (const one of names) {
    const rule = typeof one === 'string' ? { name: one } : one
    const kind = kinds[rule.name ?? ''] ?? 'text'
    const field: Field = { name: '', kind, type: 'text', nulls: 'write', on: 'always', ...rule }
    const resolved = await resolveField(
      field,
      CONTACT,
      async (name): Promise<ObjectDescription> => (name === 'Account' ? PARENT : CONTACT),
    )
    assert.ok(typeof resolved !== 'string', String(resolved))
    found.push(resolved)
  }
  return found
}

async function rowOf(way: Way, fields: readonly SalesforceField[], values: readonly (string | null)[], id?: string) {
  const form = rowForm(way, 'Contact', 'Ext__c', fields)
  const cells = cellsOf(form, values)
  if ('misfit' in cells) return { refused: `${cells.field} ${cells.code}` }
  const line = csvRow(form, id, cells)
  return {
    json: jsonRecord(form, id, cells),
    csv: typeof line === 'string' ? line : `refused ${line.code}`,
    header: csvHeader(form),
    key: rowKey(form, id, cells),
  }
}

test('null clears a field: null in a call, #N/A in a job; so does an empty text', async () => {
  const fields = await fieldsOf('Ext__c', 'LastName', 'Score__c')
  for (const empty of [null, '']) {
    const row = await rowOf('upsert', fields, ['a', 'Ann', empty])
    assert.equal(row.csv, 'a,Ann,#N/A\n')
    assert.deepEqual(JSON.parse(row.json ?? ''), {
      attributes: { type: 'Contact' },
      Ext__c: 'a',
      LastName: 'Ann',
      Score__c: null,
    })
  }
})

test('a null that is to be skipped is left out of a call and empty in a job', async () => {
  const fields = await fieldsOf('Ext__c', 'LastName', { name: 'Score__c', nulls: 'skip' })
  const row = await rowOf('upsert', fields, ['a', 'Ann', null])
  assert.equal(row.csv, 'a,Ann,\n')
  assert.deepEqual(JSON.parse(row.json ?? ''), { attributes: { type: 'Contact' }, Ext__c: 'a', LastName: 'Ann' })
})

test('numbers go into JSON digit by digit', async () => {
  const row = await rowOf('insert', await fieldsOf('Ext__c', 'Score__c'), ['a', '12345678901234567890.10'])
  assert.match(row.json ?? '', /"Score__c":12345678901234567890\.10}/)
})

test('an update is by Id, leaves fields that are for inserts, and takes the match along', async () => {
  const fields = await fieldsOf('Ext__c', 'LastName', { name: 'Score__c', on: 'insert' })
  const row = await rowOf('update', fields, ['new', 'Ann', '5'], '003000000000001')
  assert.equal(row.header, 'Id,Ext__c,LastName\n')
  assert.equal(row.csv, '003000000000001,new,Ann\n')
  assert.equal(row.key, '003000000000001AAA')
  const remove = await rowOf('delete', fields.slice(0, 1), ['new'], '003000000000001')
  assert.equal(`${remove.header}${remove.csv}`, 'Id\n003000000000001\n')
})

test('a parent is found by its external id, and cleared by its own field', async () => {
  const fields = await fieldsOf('Ext__c', 'Account.Ext__c', 'Contact:Who.Ext__c')
  const row = await rowOf('upsert', fields, ['a', 'acme', 'ann'])
  assert.equal(row.header, 'Ext__c,Account.Ext__c,Contact:Who.Ext__c\n')
  assert.deepEqual(JSON.parse(row.json ?? ''), {
    attributes: { type: 'Contact' },
    Ext__c: 'a',
    Account: { Ext__c: 'acme' },
    Who: { attributes: { type: 'Contact' }, Ext__c: 'ann' },
  })
  const cleared = await rowOf('upsert', fields, ['a', null, null])
  assert.deepEqual(JSON.parse(cleared.json ?? ''), {
    attributes: { type: 'Contact' },
    Ext__c: 'a',
    AccountId: null,
    WhoId: null,
  })
})

test('what cannot be empty is refused by itself before it is sent', async () => {
  assert.deepEqual(await rowOf('upsert', await fieldsOf('Ext__c'), [null]), { refused: 'Ext__c missing_match' })
  assert.deepEqual(await rowOf('upsert', await fieldsOf('Ext__c', 'LastName'), ['a', '']), {
    refused: 'LastName REQUIRED_FIELD_MISSING',
  })
  assert.deepEqual(await rowOf('update', await fieldsOf('Ext__c', 'Active__c'), ['a', null], '003'), {
    refused: 'Active__c invalid_value',
  })
})

test('the text #N/A and a text of more than 32,000 characters go by a call, and not by a job', async () => {
  const fields = await fieldsOf('Ext__c', 'LastName')
  const row = await rowOf('upsert', fields, ['a', '#N/A'])
  assert.equal(row.csv, 'refused unmappable_value')
  assert.match(row.json ?? '', /"LastName":"#N\/A"/)
})

test('CSV is read back as it was written, whatever is in a text', async () => {
  const texts = ['a,b', 'say "x"', 'two\r\nlines', ' edges ', '👩', '=1+1', "o'clock", '\t', 'plain']
  const fields = await fieldsOf('Ext__c', 'LastName')
  let csv = csvHeader(rowForm('upsert', 'Contact', 'Ext__c', fields))
  for (const [index, text] of texts.entries()) csv += (await rowOf('upsert', fields, [`k${index}`, text])).csv
  const rows = parse(csv) as string[][]
  assert.deepEqual(rows, [['Ext__c', 'LastName'], ...texts.map((text, index) => [`k${index}`, text])])
})

test('the digest of a row tells its values, its columns, its operation and its match apart', async () => {
  const form = rowForm('upsert', 'Contact', 'Ext__c', await fieldsOf('Ext__c', 'LastName'))
  const digests = [
    rowDigest(form, 'Ext__c,LastName\n', 'a,Ann\n'),
    rowDigest(form, 'Ext__c,LastName\n', 'a,Bob\n'),
    rowDigest(form, 'Ext__c,FirstName\n', 'a,Ann\n'),
    rowDigest({ ...form, way: 'insert' }, 'Ext__c,LastName\n', 'a,Ann\n'),
    rowDigest({ ...form, match: 'Other__c' }, 'Ext__c,LastName\n', 'a,Ann\n'),
    rowDigest({ ...form, object: 'Lead' }, 'Ext__c,LastName\n', 'a,Ann\n'),
  ]
  assert.equal(new Set(digests.map((digest) => digest.toString('hex'))).size, digests.length)
  assert.deepEqual(rowDigest(form, 'Ext__c,LastName\n', 'a,Ann\n'), digests[0])
})

async function read(chunks: readonly string[], mayBeEmpty = false): Promise<ResultRow[]> {
  const rows: ResultRow[] = []
  const body = Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
  for await (const row of readResultFile(body, { column: 'sf__Id', mayBeEmpty })) rows.push(row)
  return rows
}

test('a result file is read by the names of its columns, wherever it is cut into chunks', async () => {
  const text = '"sf__Id","sf__Created","LastName","Ext__c"\n"003A","true","two\nlines","a"\n"003B","false","",b\n'
  for (let at = 1; at < text.length; at++) {
    const [first, second] = await read([text.slice(0, at), text.slice(at)])
    assert.deepEqual([first?.id, first?.created, first?.cell('Ext__c')], ['003A', true, 'a'])
    assert.equal(first?.cell('LastName'), 'two\nlines')
    assert.deepEqual([second?.id, second?.created, second?.cell('Ext__c')], ['003B', false, 'b'])
  }
  assert.deepEqual(await read(['\ufeffsf__Id,sf__Error\n']), [])
  assert.deepEqual(await read([], true), [])
})

test('a result file that ends inside of a row is no file', async () => {
  await assert.rejects(read(['sf__Id,sf__Created,Ext__c\n003A,true,"a']))
  await assert.rejects(read(['sf__Id,sf__Created,Ext__c\n003A,tr']))
  await assert.rejects(read([]), /it is empty/)
  await assert.rejects(read(['<html><body>Sorry</body></html>']), /no column sf__Id/)
})

test('errors of a result file are a code, a text and fields', () => {
  assert.deepEqual(parseRowError('STRING_TOO_LONG:First Name: too large: x (max length=40):FirstName --'), {
    code: 'STRING_TOO_LONG',
    message: 'First Name: too large: x (max length=40)',
    fields: ['FirstName'],
  })
  assert.deepEqual(parseRowError('REQUIRED_FIELD_MISSING:missing:LastName --Company --').fields, [
    'LastName',
    'Company',
  ])
  assert.deepEqual(parseRowError('ENTITY_IS_DELETED:entity is deleted:--'), {
    code: 'ENTITY_IS_DELETED',
    message: 'entity is deleted',
    fields: [],
  })
  assert.equal(parseRowError('something else').code, 'UNKNOWN_EXCEPTION')
})

test('what is said against a row becomes what the engine has to do', async () => {
  const form = (way: Way) => rowForm(way, 'Contact', 'Ext__c', [])
  const status = (way: Way, code: string, message = '', fields: string[] = []) =>
    refusedOutcome({ code, message, fields }, form(way)).status
  assert.equal(status('upsert', 'UNABLE_TO_LOCK_ROW'), 'deferred')
  const wrapped = 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY'
  assert.equal(status('upsert', wrapped, 'Trg: execution of AfterInsert UNABLE_TO_LOCK_ROW'), 'deferred')
  assert.equal(status('upsert', wrapped, 'Trg: Apex CPU time limit exceeded'), 'deferred')
  assert.equal(status('upsert', wrapped, 'Trg: division by zero'), 'rejected')
  assert.equal(status('delete', 'ENTITY_IS_DELETED'), 'done')
  assert.equal(status('update', 'ENTITY_IS_DELETED'), 'not_found')
  assert.equal(status('upsert', 'ENTITY_IS_DELETED'), 'rejected')
  assert.equal(status('update', 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', ['Id']), 'not_found')
  assert.equal(status('update', 'INVALID_CROSS_REFERENCE_KEY', 'invalid', ['AccountId']), 'rejected')
  const taken = 'duplicate value found: Ext__c duplicates value on record with id: 003'
  assert.equal(status('insert', 'DUPLICATE_VALUE', taken), 'exists')
  assert.equal(status('insert', 'DUPLICATE_VALUE', 'duplicate value found: Other__c duplicates'), 'rejected')
  assert.equal(status('upsert', 'DUPLICATE_VALUE', taken), 'rejected')
  assert.equal(status('upsert', 'INVALID_FIELD', 'Foreign key external ID: x not found for field Ext__c'), 'rejected')
  for (const code of ['INVALID_FIELD', 'INVALID_FIELD_FOR_INSERT_UPDATE', 'STORAGE_LIMIT_EXCEEDED']) {
    assert.throws(
      () => status('upsert', code),
      (error) => error instanceof FatalError && error.code === 'salesforce_refused',
    )
  }
})

test('the rows of a job are on disk, without a name, and can be read twice', async () => {
  using spool = new TextSpool()
  let expected = ''
  for (let row = 0; row < 20_000; row++) {
    const line = `key ${row},Zoë ${'x'.repeat(row % 50)}\n`
    spool.append(line)
    expected += line
  }
  assert.equal(spool.length, Buffer.byteLength(expected))
  for (let time = 0; time < 2; time++) {
    const chunks: Buffer[] = []
    for await (const chunk of spool.chunks()) chunks.push(chunk)
    assert.ok(chunks.every(({ length }) => length <= 256 * 1024))
    assert.equal(Buffer.concat(chunks).toString(), expected)
  }
  // Any piece of it can be had, also of what was appended last.
  const place = spool.length
  spool.append('the end')
  assert.equal(spool.text(place, 7), 'the end')
  assert.equal(spool.text(0, 10), 'key 0,Zoë')
})
