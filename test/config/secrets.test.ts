// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of references is what is tested
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretsOf } from '../../src/config/secrets.ts'
import { loadText, problemsOf, syncYaml } from './config-folder.ts'

async function secrets(
  t: Parameters<typeof loadText>[0],
  connections: string,
  environment: Record<string, string> = {},
) {
  const text = syncYaml().replace('  db: sqlite:./app.db\n', `  db: sqlite:./app.db\n${connections}`)
  return [...secretsOf(await loadText(t, text, environment))].sort()
}

test('what the environment puts into connections is secret', async (t) => {
  assert.deepEqual(
    await secrets(
      t,
      '  a: postgres://${WHO}:${PASS}@h/d\n  b: { type: "${KIND}", nested: [{ x: "a${TOKEN:-}b" }] }\n',
      {
        WHO: 'annie',
        PASS: 'pass/word',
        KIND: 'hubspot',
        TOKEN: 'tok-123',
      },
    ),
    ['annie', 'pass/word', 'tok-123'],
  )
})

test('so is what it puts into params and constants, but not the names that every report tells', async (t) => {
  const text = syncYaml({
    description: '${TEXT}',
    source: '{ connection: "${DB}", sql: select 1, params: { a: "x ${PARAM}" } }',
    destination: '{ connection: db, table: "${TABLE}" }',
    fields: '{ a: "${COLUMN}", b: { value: "${VALUE}" }, c: { template: "{x} ${SALT}" } }',
    deletes: '{ as: { reason: "${REASON}" } }',
  })
  const names = { TEXT: 'text', DB: 'db', TABLE: 'table', COLUMN: 'column' }
  const config = await loadText(t, text, { ...names, PARAM: 'param', VALUE: 'value', SALT: 'salt', REASON: 'reason' })
  assert.deepEqual([...secretsOf(config)].sort(), ['param', 'reason', 'salt', 'value'])
})

test('passwords and tokens in URLs are secret wherever they come from, raw and decoded', async (t) => {
  assert.deepEqual(await secrets(t, '  a: postgres://me:p%40ssword@h/d?x=a@b\n'), ['p%40ssword', 'p@ssword'].sort())
  assert.deepEqual(await secrets(t, '  a: https://ghp_abc@h/\n'), ['ghp_abc'])
  assert.deepEqual(await secrets(t, '  a: { type: x, base: "https://h/?q=long&access_token=abc123" }\n'), ['abc123'])
  assert.deepEqual(await secrets(t, '  a: postgres://me@h:5432/database\n'), [])
  const broken = await secrets(t, '  a: postgres://me:pa/ss?word@h/d\n')
  assert.ok(broken.includes('pa/ss?word'))
})

test('options that are named like secrets are secret', async (t) => {
  assert.deepEqual(
    await secrets(
      t,
      '  a: { type: x, token: tok-123, api_key: key-123, auth: { clientSecret: [one1, two2] }, key: user }\n',
    ),
    ['key-123', 'one1', 'tok-123', 'two2'],
  )
})

test('what is short, or true or false, is not hidden; longer secrets come first', async (t) => {
  const text = syncYaml().replace('sqlite:./app.db', '"sqlite:${A}${B}${C}${D}"')
  const config = await loadText(t, text, { A: 'abc', B: 'true', C: 'abcd', D: 'abcdef' })
  assert.deepEqual(secretsOf(config), ['abcdef', 'abcd'])
})

test('no message about a value from the environment shows the value', async (t) => {
  const places: readonly Record<string, string>[] = [
    { mode: '${CANARY}' },
    { key: '["${CANARY}", "${CANARY}"]' },
    { source: '${CANARY}' },
    { source: '{ connection: "${CANARY}", table: x }' },
    { source: '{ connection: db, file: "${CANARY}" }' },
    { source: '{ connection: db, table: x, idle_timeout: "${CANARY}" }' },
    { destination: '{ connection: db, table: x, create: "${CANARY}" }' },
    { fields: '{ a: { template: "{${CANARY}" } }' },
    { fields: '{ a: { from: x, type: "${CANARY}" } }' },
    { guards: '{ max_deletes: "${CANARY}", min_rows: "${CANARY}" }' },
    { batch: '{ rate: "${CANARY}" }' },
    { deletes: '{ as: "${CANARY}" }' },
  ]
  for (const lines of places) {
    const text = syncYaml(lines).replace('version: 1', 'version: ${CANARY}').replace('sqlite:./app.db', '${CANARY}')
    const { message } = await problemsOf(loadText(t, text, { CANARY: 'c4n4ry' }))
    assert.doesNotMatch(message, /c4n4ry/)
  }
})

test('a secret that is written into the file is covered in the lines that are shown', async (t) => {
  for (const [line, shown] of [
    ['a: { type: 5, token: tok-123 }', 'a: { type: 5, token: ******* }'],
    ['a: { type: 5, "api_key":"k,e}y", x: 1 }', 'a: { type: 5, "api_key":*******, x: 1 }'],
    ['a: { type: 5, url: "postgres://me:pass@h/d" }', 'a: { type: 5, url: "postgres://me:****@h/d" }'],
    ['a: { type: 5, token: "${T}" }', 'a: { type: 5, token: "${T}" }'],
    ['a: { type: 5, key: id }', 'a: { type: 5, key: id }'],
  ] as const) {
    const text = syncYaml().replace('  db: sqlite:./app.db\n', `  db: sqlite:./app.db\n  ${line}\n`)
    const [problem] = (await problemsOf(loadText(t, text, { T: 'x' }))).problems
    assert.equal(problem?.frame?.split('\n')[0], `    4 |   ${shown}`)
  }
})
