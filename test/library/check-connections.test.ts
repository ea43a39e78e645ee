import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../src/config/problem.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { checkConnections } from '../../src/engine/check-connections.ts'
import { type FatalError, preview, validate } from '../../src/index.ts'
import { loadText, problemsOf } from '../config/config-folder.ts'
import { smallWorld } from '../support/small-world.ts'

const SYNC = `
    key: id
    mode: upsert
`

/** A configuration with these connections; its syncs are given as `source -> destination`. */
function textOf(connections: string, ...syncs: string[]): string {
  const lines = syncs.map((sync, index) => {
    const [from, to] = sync.split(' -> ')
    return `  s${index + 1}:\n    source: { connection: ${from}, table: a }${SYNC}    destination: { connection: ${to}, table: b }\n`
  })
  return `version: 1\nconnections:\n${connections}syncs:${lines.length === 0 ? ' {}' : ''}\n${lines.join('')}`
}

type Context = Parameters<typeof loadText>[0]

async function heads(t: Context, text: string, options: { sync?: string } = {}): Promise<string[]> {
  const { problems } = await problemsOf(checkConnections(await loadText(t, text), options))
  return problems.map((problem) => formatProblem(problem).split('\n')[0]?.replace('rowferry.yaml:', '') ?? '')
}

test('the options of every connection are checked, whoever uses it, and each fault is told once', async (t) => {
  const text = textOf(
    `  app: { type: sqlite, path: ./app.db, mde: wal }
  db: postgres://localhost/app?port=x
  spare: { type: blackhole, latency: soon }
  log: { type: file, path: ./rows.csv, formt: csv }
`,
    'app -> app',
    'app -> db',
  )
  assert.deepEqual(await heads(t, text), [
    '3:40  connections.app.mde: unknown key',
    '4:7  connections.db.url: port in the URL: expected a port from 1 to 65535',
    '5:38  connections.spare.latency: expected a number, got something that is not shown here',
    '6:40  connections.log.formt: unknown key — did you mean "format"?',
  ])
})

test('of one sync, its own connections are', async (t) => {
  const connections = '  good: { type: blackhole }\n  bad: { type: sqlite }\n  app: sqlite:./app.db\n'
  const text = textOf(connections, 'app -> good', 'app -> bad')
  await checkConnections(await loadText(t, text), { sync: 's1' })
  assert.deepEqual(await heads(t, text, { sync: 's2' }), ['4:3  connections.bad: expected either `url` or `path`'])
})

test('what is no connector, and what cannot be the end it is used for, is told where it is named', async (t) => {
  const text = textOf(
    `  out: "stdout:"
  a: sqllite:./app.db
  b: { type: postgress }
  c: mainframe:x
  app: sqlite:./app.db
  rows: file:./rows.csv
`,
    'out -> a',
    'rows -> app',
  )
  assert.deepEqual(
    (await heads(t, text)).map((head) => head.replace(/: (?:use one of|did you mean).*/, '')),
    [
      '4:6  connections.a: there is no destination "sqllite"',
      '5:14  connections.b.type: there is no destination "postgress"',
      '6:6  connections.c: there is no destination "mainframe"',
      '11:27  syncs.s1.source.connection: stdout cannot be a source',
      '16:27  syncs.s2.source.connection: file is read without a connection: write source: { file: PATH } in the sync',
    ],
  )
})

test('own connectors count, and an unused connection may become either end', async () => {
  using world = smallWorld([])
  const config = { ...world.config(), syncs: {} }
  const resolved = resolveConfig(config, { baseDirectory: world.folder.path })
  await checkConnections(resolved, world.own)
  const { problems } = await problemsOf(checkConnections(resolved))
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['connections.from', 'connections.to'],
  )
})

test('validate checks the options without connecting, also where the rows come from stdin', async (t) => {
  const text = textOf('  app: sqlite:./app.db\n  bad: { type: sqlite, pth: x }\n', 'app -> bad', 'app -> app').replace(
    '{ connection: app, table: a }',
    '{ stdin: csv }',
  )
  const config = await loadText(t, text)
  for (const connect of [true, false]) {
    const [first] = await validate(config, { sync: 's1', connect })
    assert.deepEqual([first?.error?.code, first?.error?.kind], ['configuration_invalid', 'configuration'])
    assert.match(first?.error?.message ?? '', /connections\.bad\.pth: unknown key/)
  }
  assert.equal((await validate(config, { sync: 's2', connect: false }))[0]?.error, null)
})

test('a file that is named as a connection is read as rows of the sync', async (t) => {
  const config = await loadText(t, textOf('  rows: file:./rows.csv\n  out: "blackhole:"\n', 'rows -> out'))
  await assert.rejects(preview(config), (error: FatalError) => {
    assert.equal(error.code, 'unknown_connector')
    assert.match(error.message, /write source: \{ file: PATH \} in the sync/)
    return true
  })
})
