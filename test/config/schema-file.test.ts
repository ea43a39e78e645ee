import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { jsonSchema } from '../../src/config/schema.ts'

test('the JSON Schema that the package ships is current: `npm run build` writes it', () => {
  const file = readFileSync(join(import.meta.dirname, '../../schema/v1.json'), 'utf8')
  assert.equal(file, `${JSON.stringify(jsonSchema(), null, 2)}\n`)
})
