import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadConfig, sync } from '../../src/index.ts'
import { httpSimulator } from '../support/http-simulator.ts'
import { allPages } from '../support/markdown.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { yamlExamplesOf } from '../support/yaml-examples.ts'

const page = allPages().find(({ path }) => path === 'docs/connectors/http.md')
assert.ok(page !== undefined)
const examples = yamlExamplesOf(page).filter(({ part }) => part === 'file')
const CSV = 'id,name,email\n1,Ann,Ann@x.test\n2,Bob,bob@x.test\n3,"Zoë, of ""X""",z@x.test\n'
const OBJECTS = ['people', 'contacts', 'events']

test('there are four complete examples', () => assert.equal(examples.length, 4))

for (const { place, text } of examples) {
  test(`the example in ${place} does what it says, and nothing the second time`, async () => {
    const isHook = text.includes('WEBHOOK_URL')
    const auth = { type: 'bearer', token: 'the token' } as const
    const simulator = await httpSimulator({ keys: { contacts: ['email'] }, ...(!isHook && { auth }) })
    using folder = temporaryFolder()
    // The simulator is on this machine, which nobody else's example has to allow.
    const local = isHook
      ? text.replace(
          'hook: ${' + 'WEBHOOK_URL}',
          'hook: { type: http, url: "${' + 'WEBHOOK_URL}", allow_private_hosts: true }',
        )
      : text.replace('type: http\n', 'type: http\n    allow_private_hosts: true\n')
    writeFileSync(folder.file('rowferry.yaml'), local)
    const environment = {
      API_URL: simulator.url,
      API_TOKEN: auth.token,
      WEBHOOK_URL: `${simulator.url}/v1/events/append`,
    }
    const run = async (csv: string) => {
      writeFileSync(folder.file('people.csv'), csv)
      const report = await sync(await loadConfig({ directory: folder.path, environment }))
      assert.equal(report.status, 'succeeded', JSON.stringify(report.error))
      return report.counts
    }
    const kept = async () => {
      const all = await Promise.all(OBJECTS.map((object) => simulator.records(object)))
      return all.flat()
    }
    assert.equal((await run(CSV)).inserted, 3)
    assert.equal((await kept()).length, 3)
    const before = (await simulator.requests()).filter(({ method }) => method !== 'GET').length
    const again = await run(CSV)
    assert.equal(again.unchanged, 3)
    assert.equal((await simulator.requests()).filter(({ method }) => method !== 'GET').length, before)
    const changed = await run(CSV.replace('bob@x.test', 'bob@y.test').replace('1,Ann,Ann@x.test\n', ''))
    assert.deepEqual([changed.updated, changed.deleted], [1, 1])
    if (!isHook) assert.equal((await kept()).length, 2)
  })
}
