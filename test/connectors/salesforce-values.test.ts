import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectDescription } from '../../src/connectors/salesforce-describe.ts'
import { keyText, matchIdentity, soqlLiteral } from '../../src/connectors/salesforce-match.ts'
import { longRecordId } from '../../src/connectors/salesforce-record-id.ts'
import { formatValue } from '../../src/connectors/salesforce-value-formats.ts'
import type { ValueKind } from '../../src/core/column.ts'

/** A field as `describe` gives it out. */
function fieldOf(type: string, more: object = {}) {
  const [field] = objectDescription.parse({ name: 'Thing', fields: [{ name: 'Field__c', type, ...more }] }).fields
  assert.ok(field !== undefined)
  return field
}

/** What is sent: text, and `bare` where JSON has no quotes around it; or the code of the refusal. */
function sent(
  type: string,
  value: string,
  { kind = 'text', ...more }: { kind?: ValueKind; [property: string]: unknown } = {},
): string {
  const result = formatValue(fieldOf(type, more), kind, value)
  if ('code' in result) return `refused ${result.code}`
  return result.bare ? `bare ${result.text}` : result.text
}

test('numbers keep every digit and lose what JSON has no way to write', () => {
  assert.equal(sent('double', '12345678901234567890.123456789'), 'bare 12345678901234567890.123456789')
  assert.equal(sent('currency', '-0.5'), 'bare -0.5')
  assert.equal(sent('percent', '+007.50'), 'bare 7.50')
  assert.equal(sent('double', '.5'), 'bare 0.5')
  assert.equal(sent('double', '1e-7'), 'bare 1e-7')
  assert.equal(sent('int', '-007'), 'bare -7')
  assert.equal(sent('int', '-0'), 'bare 0')
  assert.equal(sent('int', '7.00'), 'bare 7')
  for (const wrong of ['', 'x', 'NaN', 'Infinity', '1,5', '1.2.3', '.', '0x10']) {
    assert.equal(sent('double', wrong), 'refused INVALID_TYPE', wrong)
  }
  assert.equal(sent('int', '7.5'), 'refused INVALID_TYPE')
})

test('a number with more digits before the point than its field has is refused', () => {
  const money = { precision: 5, scale: 2 }
  assert.equal(sent('currency', '999.99', money), 'bare 999.99')
  assert.equal(sent('currency', '0999.999', money), 'bare 999.999')
  assert.equal(sent('currency', '1000', money), 'refused NUMBER_OUTSIDE_VALID_RANGE')
  assert.equal(sent('currency', '1e3', money), 'refused NUMBER_OUTSIDE_VALID_RANGE')
  assert.equal(sent('int', '123456', { digits: 5 }), 'refused NUMBER_OUTSIDE_VALID_RANGE')
})

test('booleans come in from Postgres and from texts, and go out as words into text fields', () => {
  assert.equal(sent('boolean', 't', { kind: 'boolean' }), 'bare true')
  assert.equal(sent('boolean', 'FALSE'), 'bare false')
  assert.equal(sent('boolean', 'yes'), 'refused INVALID_TYPE')
  assert.equal(sent('string', 't', { kind: 'boolean' }), 'true')
  assert.equal(sent('string', 't'), 't')
})

test('days and times are ISO 8601 with a zone, within the years that Salesforce has', () => {
  assert.equal(sent('date', '2024-02-29', { kind: 'date' }), '2024-02-29')
  assert.equal(sent('date', '2024-02-29 23:59:59.5+02', { kind: 'timestamp' }), '2024-02-29')
  assert.equal(sent('datetime', '2024-02-29 23:59:59.123456+00', { kind: 'timestamp' }), '2024-02-29T23:59:59.123Z')
  assert.equal(sent('datetime', '2024-02-29 23:59:59+05:30'), '2024-02-29T23:59:59.000+05:30')
  assert.equal(sent('datetime', '2024-02-29 23:59-0330'), '2024-02-29T23:59:00.000-03:30')
  assert.equal(sent('datetime', '2024-02-29T12:00:00Z'), '2024-02-29T12:00:00.000Z')
  assert.equal(sent('datetime', '2024-02-29', { kind: 'date' }), '2024-02-29T00:00:00.000Z')
  assert.equal(sent('time', '12:30'), '12:30:00.000Z')
  for (const [type, wrong] of [
    ['date', '2023-02-29'],
    ['date', 'infinity'],
    ['date', '1699-12-31'],
    ['date', '2024-02-29 BC'],
    ['datetime', '4001-01-01 00:00:00+00'],
    ['datetime', '2024-02-29 24:00:00'],
    ['datetime', 'now'],
    ['time', '25:00:00'],
  ] as const) {
    assert.equal(sent(type, wrong), 'refused INVALID_TYPE', wrong)
  }
})

test('a text that is too long is refused, and counted by characters', () => {
  assert.equal(sent('string', 'abcde', { length: 5 }), 'abcde')
  assert.equal(sent('string', 'abcdef', { length: 5 }), 'refused STRING_TOO_LONG')
  assert.equal(sent('string', '👩👩👩👩👩', { length: 5 }), '👩👩👩👩👩')
})

test('options outside of a restricted picklist are refused, inactive ones too', () => {
  const picklistValues = [
    { value: 'Hot', active: true },
    { value: 'Cold', active: true },
    { value: 'Old', active: false },
  ]
  const restricted = { picklistValues, restrictedPicklist: true }
  assert.equal(sent('picklist', 'Hot', restricted), 'Hot')
  assert.equal(sent('picklist', 'hot', restricted), 'refused INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST')
  assert.equal(sent('picklist', 'Old', restricted), 'refused INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST')
  assert.equal(sent('picklist', 'New', { picklistValues }), 'New')
  assert.equal(sent('multipicklist', 'Hot; Cold', restricted), 'Hot;Cold')
  assert.equal(sent('multipicklist', '["Cold","Hot"]', { ...restricted, kind: 'json' }), 'Cold;Hot')
  assert.equal(sent('multipicklist', 'Hot;Warm', restricted), 'refused INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST')
})

test('an id of 15 characters and the same one of 18 are one', () => {
  // The vendor's own example of the two forms.
  assert.equal(longRecordId('001A0000006Vm9r'), '001A0000006Vm9rIAC')
  assert.equal(longRecordId('001A0000006Vm9riac'), '001A0000006Vm9rIAC')
  assert.notEqual(longRecordId('001a0000006Vm9r'), longRecordId('001A0000006Vm9r'))
  assert.equal(longRecordId('no id'), 'no id')
})

test('two values are one match where Salesforce compares them as equal', () => {
  assert.equal(matchIdentity(fieldOf('string'), ' Zoë@X.org '), 'zoë@x.org')
  assert.equal(matchIdentity(fieldOf('string', { caseSensitive: true }), 'Ab'), 'Ab')
  assert.equal(matchIdentity(fieldOf('double'), '007.50'), '7.5')
  assert.equal(matchIdentity(fieldOf('double'), '-0.0'), '0')
  assert.equal(matchIdentity(fieldOf('id'), '001A0000006Vm9r'), '001A0000006Vm9rIAC')
  assert.equal(keyText(fieldOf('double'), '12.0'), '12')
  assert.equal(keyText(fieldOf('string'), 'Ab '), 'Ab ')
})

test('nothing in a value ends its quotes in a query', () => {
  assert.equal(soqlLiteral(fieldOf('string'), `o'clock \\ "x"\n`), `'o\\'clock \\\\ \\"x\\"\\n'`)
  assert.equal(soqlLiteral(fieldOf('double'), '12.5'), '12.5')
})
