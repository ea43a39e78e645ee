import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { jsonSchema } from '../../src/config/schema.ts'
import { syncYaml } from './config-folder.ts'

type Schema = Readonly<Record<string, unknown>>

/** The keywords that our schema uses; any other makes the test fail, so that none is ignored. */
function valid(schema: Schema, value: unknown): boolean {
  const map = typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : undefined
  const list = Array.isArray(value) ? value : undefined
  const checks: Record<string, (expected: never) => boolean> = {
    $schema: () => true,
    title: () => true,
    description: () => true,
    type: (types: string | string[]) => [types].flat().includes(typeOf(value)) || isInteger(types, value),
    const: (expected: unknown) => value === expected,
    enum: (expected: unknown[]) => expected.includes(value),
    pattern: (pattern: string) => typeof value !== 'string' || new RegExp(pattern).test(value),
    minLength: (length: number) => typeof value !== 'string' || value.length >= length,
    minimum: (minimum: number) => typeof value !== 'number' || value >= minimum,
    maximum: (maximum: number) => typeof value !== 'number' || value <= maximum,
    minItems: (length: number) => list === undefined || list.length >= length,
    items: (items: Schema) => list === undefined || list.every((item) => valid(items, item)),
    required: (names: string[]) => map === undefined || names.every((name) => Object.hasOwn(map, name)),
    properties: (properties: Record<string, Schema>) =>
      Object.entries(map ?? {}).every(([name, item]) => {
        const property = properties[name]
        return property === undefined || valid(property, item)
      }),
    propertyNames: (names: Schema) => Object.keys(map ?? {}).every((name) => valid(names, name)),
    additionalProperties: (rest: Schema | false) =>
      Object.entries(map ?? {})
        .filter(([name]) => !Object.hasOwn((schema['properties'] as Schema | undefined) ?? {}, name))
        .every(([, item]) => rest !== false && valid(rest, item)),
    anyOf: (schemas: Schema[]) => schemas.some((one) => valid(one, value)),
    oneOf: (schemas: Schema[]) => schemas.filter((one) => valid(one, value)).length === 1,
  }
  return Object.entries(schema).every(([keyword, expected]) => {
    const check = checks[keyword]
    assert.ok(check, `unknown keyword ${keyword}`)
    return check(expected as never)
  })
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

function isInteger(types: string | string[], value: unknown): boolean {
  return [types].flat().includes('integer') && Number.isInteger(value)
}

const schema = jsonSchema()

test('the JSON Schema is of the draft that YAML editors understand', () => {
  assert.equal(schema['$schema'], 'http://json-schema.org/draft-07/schema#')
})

test('the JSON Schema takes what is right', () => {
  for (const lines of [
    {},
    {
      description: 'x',
      tags: '[a]',
      source: '{ connection: db, sql: select 1, params: { a: 1, b: null }, read: copy, idle_timeout: 5m }',
      key: '[a, b]',
      destination: '{ connection: db, object: x, match: [y], create: true }',
      deletes: '{ scope: seen, as: { at: { variable: run.started_at }, x: 1 } }',
      fields: '{ a: x, b: { from: y, type: number }, c: { value: null, on: insert }, d: { template: "{x}" } }',
      exclude: '[z]',
      guards: '{ max_deletes: 5%, min_rows: 1, max_rejected: 5 }',
      index: '{ bootstrap: list, refresh: 1d }',
      batch: '{ size: 1, concurrency: 4, rate: 100/10s }',
    },
  ])
    assert.ok(valid(schema, parse(`$schema: ./v1.json\nstate: x\n${syncYaml(lines)}`)))
})

test('the JSON Schema refuses what is wrong', () => {
  for (const lines of [
    { mode: 'miror' },
    { key: '[]' },
    { source: '{ connection: db }' },
    { source: '{ connection: db, sql: a, table: b }' },
    { destination: '{ connection: db, table: a, object: b }' },
    { fields: '{ a: { from: x, value: 1 } }' },
    { batch: '{ size: 0 }' },
    { guards: '{ max_deletes: 5 % }' },
    { unknown: 'x' },
  ])
    assert.ok(!valid(schema, parse(syncYaml(lines))), JSON.stringify(lines))
  assert.ok(!valid(schema, parse(syncYaml().replace('  users:', '  Users:'))))
})

test('every key has a description', () => {
  const missing: string[] = []
  const walk = (node: unknown, path: string) => {
    if (typeof node !== 'object' || node === null) return
    const { properties, ...rest } = node as Schema
    for (const [name, property] of Object.entries((properties as Record<string, Schema> | undefined) ?? {})) {
      if (typeof property['description'] !== 'string') missing.push(`${path}.${name}`)
      walk(property, `${path}.${name}`)
    }
    for (const inner of Object.values(rest)) walk(inner, path)
  }
  walk(schema, '')
  assert.deepEqual(missing, [])
})
