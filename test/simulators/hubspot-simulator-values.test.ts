import assert from 'node:assert/strict'
import type { HubspotOptions } from '../../src/simulators/hubspot-options.ts'
import { HUBSPOT_VALUE_BEHAVIOURS } from '../../src/simulators/hubspot-value-behaviours.ts'
import { behaviourTests, type SimulatorAtHand, withSimulator } from './simulator-behaviour.ts'

const CONTACTS = '/crm/v3/objects/contacts'
const OBJECTS: NonNullable<HubspotOptions['objects']> = {
  contacts: {
    properties: [
      { name: 'born', type: 'date' },
      { name: 'seen', type: 'datetime' },
      { name: 'score', type: 'number' },
      { name: 'vip', type: 'bool' },
      { name: 'tier', type: 'enumeration', options: ['GOLD_PLUS', 'SILVER'] },
      { name: 'tags', type: 'enumeration', field_type: 'checkbox', options: ['a', 'b', 'c'] },
      { name: 'badge', unique: true },
    ],
  },
  car: {
    properties: [
      { name: 'vin', required: true },
      { name: 'state' },
      { name: 'sold_on', required_when: { property: 'state', value: 'sold' } },
      {
        name: 'plate',
        rules: [
          { type: 'REGEX', arguments: ['[A-Z]+-\\d+'] },
          { type: 'MAX_LENGTH', arguments: ['6'] },
        ],
      },
      {
        name: 'doors',
        type: 'number',
        rules: [
          { type: 'MIN_NUMBER', arguments: ['2'] },
          { type: 'MAX_NUMBER', arguments: ['5'] },
          { type: 'MIN_LENGTH', arguments: ['1'] },
        ],
      },
    ],
  },
}

const behaviour = behaviourTests(HUBSPOT_VALUE_BEHAVIOURS)

/** A contact of a simulator of its own, and what becomes of it. */
interface Contact extends SimulatorAtHand {
  /** What is stored after this was sent, or the code of the refusal. */
  set(property: string, value: unknown): Promise<string | null | undefined>
}

function on(id: string, work: (contact: Contact) => Promise<void>): void {
  behaviour(id, () =>
    withSimulator('hubspot', { objects: OBJECTS }, async (simulator) => {
      const { ids } = await simulator.door('/__records/contacts', [{}])
      const set: Contact['set'] = async (property, value) => {
        const reply = await simulator.ask('PATCH', `${CONTACTS}/${ids[0]}`, { properties: { [property]: value } })
        if (reply.status === 200) return reply.body.properties[property]
        assert.ok(reply.status === 400 || reply.status === 409, `${reply.status}`)
        return reply.body.errors?.[0]?.code ?? reply.body.category
      }
      await work({ ...simulator, set })
    }),
  )
}

const each = async ({ set }: Contact, property: string, cases: readonly (readonly [unknown, string | null])[]) => {
  for (const [value, stored] of cases) {
    assert.equal(await set(property, value), stored, `${property} ${JSON.stringify(value)}`)
  }
}

on('value.text', (contact) =>
  each(contact, 'firstname', [
    [' Ann ', ' Ann '],
    [12.5, '12.5'],
    [true, 'true'],
  ]),
)

on('value.clear', async (contact) => {
  for (const cleared of ['', null]) {
    await each(contact, 'score', [
      ['5', '5'],
      [cleared, null],
    ])
  }
  const [{ properties }] = await contact.door('/__records/contacts')
  assert.ok(!('score' in properties))
})

on('value.unknown-property', (contact) => each(contact, 'nothing', [['x', 'PROPERTY_DOESNT_EXIST']]))

on('value.unknown-property-traced', async ({ ask }) => {
  const inputs = ['firstname', 'nothing'].map((name) => ({ properties: { [name]: 'x' }, objectWriteTraceId: name }))
  const { status, body } = await ask('POST', `${CONTACTS}/batch/create`, { inputs })
  assert.deepEqual([status, body.results.length, body.errors[0].context.objectWriteTraceId], [207, 1, ['nothing']])
})

on('value.read-only', async (contact) => {
  for (const name of ['hs_object_id', 'createdate', 'lastmodifieddate', 'num_associated_deals']) {
    await each(contact, name, [['1', 'READ_ONLY_VALUE']])
  }
})

on('value.option', (contact) =>
  each(contact, 'tier', [
    ['GOLD_PLUS', 'GOLD_PLUS'],
    ['Gold plus', 'INVALID_OPTION'],
    ['gold_plus', 'INVALID_OPTION'],
    ['GOLD_PLUS;SILVER', 'INVALID_OPTION'],
  ]),
)

on('value.options', (contact) =>
  each(contact, 'tags', [
    ['c;a', 'c;a'],
    ['a;b;a', 'a;b'],
    ['a;x', 'INVALID_OPTION'],
    ['a; b', 'INVALID_OPTION'],
  ]),
)

on('value.options-append', (contact) =>
  each(contact, 'tags', [
    ['a', 'a'],
    [';c', 'a;c'],
    ['b', 'b'],
  ]),
)

on('value.external-options', (contact) => each(contact, 'hubspot_owner_id', [['4711', '4711']]))

on('value.number', (contact) =>
  each(contact, 'score', [
    ['12.5', '12.5'],
    ['-3', '-3'],
    [7, '7'],
    ['1,000', 'INVALID_FLOAT'],
    ['12 kg', 'INVALID_FLOAT'],
    ['NaN', 'INVALID_FLOAT'],
  ]),
)

on('value.bool', (contact) =>
  each(contact, 'vip', [
    ['true', 'true'],
    [false, 'false'],
    ['yes', 'INVALID_OPTION'],
    ['True', 'INVALID_OPTION'],
  ]),
)

on('value.date', (contact) =>
  each(contact, 'born', [
    ['2024-02-29', '2024-02-29'],
    ['2023-02-29', 'INVALID_DATE'],
    ['1709164800000', '2024-02-29'],
    [1709164800000, '2024-02-29'],
    ['1709164800001', 'INVALID_DATE'],
    ['29.02.2024', 'INVALID_DATE'],
    ['2024-02-29T00:00:00Z', 'INVALID_DATE'],
    ['99999999999999999', 'INVALID_DATE'],
  ]),
)

on('value.datetime', (contact) =>
  each(contact, 'seen', [
    ['2024-02-29T12:30:00+02:00', '2024-02-29T10:30:00.000Z'],
    ['2024-02-29T12:30:00.123Z', '2024-02-29T12:30:00.123Z'],
    ['1709164800123', '2024-02-29T00:00:00.123Z'],
    ['2024-02-29T12:30:00', 'INVALID_DATE'],
    ['2023-02-29T12:30:00Z', 'INVALID_DATE'],
    ['yesterday', 'INVALID_DATE'],
  ]),
)

on('value.email', (contact) =>
  each(contact, 'email', [
    ['ann+tag@mail.example.com', 'ann+tag@mail.example.com'],
    ['ann@example', 'INVALID_EMAIL'],
    ['ann example.com', 'INVALID_EMAIL'],
    ['ann@exa mple.com', 'INVALID_EMAIL'],
    ['a@b@c.de', 'INVALID_EMAIL'],
  ]),
)

on('value.spaces', async (contact) => {
  await each(contact, 'score', [[' 5', 'INVALID_FLOAT']])
  await each(contact, 'vip', [['true ', 'INVALID_OPTION']])
  await each(contact, 'born', [[' 2024-02-29', 'INVALID_DATE']])
  await each(contact, 'tier', [['SILVER ', 'INVALID_OPTION']])
})

on('value.long-text', async ({ set }) => {
  assert.equal((await set('firstname', 'x'.repeat(65_536)))?.length, 65_536)
  assert.equal(await set('firstname', 'x'.repeat(65_537)), 'PROPERTY_VALUE_TOO_LONG')
})

on('value.lifecycle', (contact) =>
  each(contact, 'lifecyclestage', [
    ['customer', 'customer'],
    ['lead', 'customer'],
    ['evangelist', 'evangelist'],
    ['', null],
    ['lead', 'lead'],
  ]),
)

on('value.unique', async (contact) => {
  const { ids } = await contact.door('/__records/contacts', [{ badge: '1' }])
  await each(contact, 'badge', [['1', 'CONFLICTING_UNIQUE_VALUE']])
  await contact.ask('PATCH', `${CONTACTS}/${ids[0]}`, { properties: { badge: '' } })
  await each(contact, 'badge', [['1', '1']])
})

on('value.message', async ({ ask }) => {
  const properties = { tier: 'BRONZE', score: 'x' }
  const { body } = await ask('POST', CONTACTS, { properties })
  const [, list = ''] = /^Property values were not valid: (\[.*\])$/s.exec(body.message) ?? []
  assert.deepEqual(
    JSON.parse(list).map(({ error, name }: Record<string, string>) => [error, name]),
    [
      ['INVALID_OPTION', 'tier'],
      ['INVALID_FLOAT', 'score'],
    ],
  )
  assert.equal(JSON.parse(list)[0].message, 'BRONZE was not one of the allowed options: [GOLD_PLUS, SILVER]')
  assert.deepEqual(body.errors[0].context, { propertyName: ['tier'] })
})

/** The status of a new car in each version, with the first code where it is refused. */
async function newCar({ ask }: SimulatorAtHand, properties: object): Promise<unknown[]> {
  const seen: unknown[] = []
  for (const base of ['v3/objects', 'objects/2026-03', 'objects/2026-09']) {
    const { status, body } = await ask('POST', `/crm/${base}/car`, { properties })
    seen.push(status === 201 ? status : body.errors[0].code)
  }
  return seen
}

on('version.required', async (simulator) => {
  assert.deepEqual(await newCar(simulator, { state: 'new' }), [201, 201, 'REQUIRED_PROPERTY'])
  assert.deepEqual(await newCar(simulator, { vin: 'x' }), [201, 201, 201])
})

on('version.required-when', async (simulator) => {
  assert.deepEqual(await newCar(simulator, { vin: 'x', state: 'sold' }), [201, 201, 'REQUIRED_PROPERTY'])
  assert.deepEqual(await newCar(simulator, { vin: 'x', state: 'sold', sold_on: 'today' }), [201, 201, 201])
  const { ids } = await simulator.door('/__records/car', [{ vin: 'y' }])
  const sell = (base: string) => simulator.ask('PATCH', `/crm/${base}/car/${ids[0]}`, { properties: { state: 'sold' } })
  assert.equal((await sell('objects/2026-09')).status, 400)
  assert.equal((await sell('v3/objects')).status, 200)
})

on('version.rules', async (simulator) => {
  const rule = 'PROPERTY_VALIDATION_RULE'
  assert.deepEqual(await newCar(simulator, { vin: 'x', plate: 'AB-1', doors: 5 }), [201, 201, 201])
  for (const wrong of [{ plate: '1-AB' }, { plate: 'ABCDE-12' }, { doors: '1' }, { doors: '6' }]) {
    assert.deepEqual(await newCar(simulator, { vin: 'x', ...wrong }), [201, 201, rule], JSON.stringify(wrong))
  }
})
