// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of references is what is tested
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FatalError } from '../../src/core/errors.ts'
import { loadText, problemsOf, syncYaml } from './config-folder.ts'

const MODES = 'mirror | upsert | update-only | delete-only | insert-only'
const THRESHOLD = 'expected a number of records, or a share from 0% to 100%'
const DURATION = 'expected a duration such as 10s, 5m, 2h or 1d'

// Lines of the sync start at line 6: source 6, key 7, mode 8, destination 9, then what is added.
const WRONG: readonly (readonly [name: string, lines: Record<string, string | null>, ...problems: string[]])[] = [
  ['an unknown mode', { mode: 'miror' }, `8:11  mode: expected ${MODES}, got "miror" — did you mean "mirror"?`],
  ['a missing mode', { mode: null }, `5:3  mode: missing; expected ${MODES}`],
  ['a mode without a value', { mode: '' }, `8:5  mode: expected ${MODES}, got nothing`],
  ['a missing key', { key: null }, '5:3  key: missing; expected a column or a list of them'],
  ['an empty key', { key: '""' }, '7:10  key: expected a column, got ""'],
  ['an empty list of keys', { key: '[]' }, '7:5  key: expected a column or a list of them, got an empty list'],
  ['a key that is a number', { key: '5' }, '7:10  key: expected a column or a list of them, got 5'],
  ['a key column twice', { key: '[id, x, id]' }, '7:18  key[2]: "id" is there twice; name it once'],
  ['a key column that is a number', { key: '[id, 5]' }, '7:15  key[1]: expected a column, got 5'],
  [
    'an unknown connection',
    { source: '{ connection: dbb, table: users }' },
    '6:27  source.connection: no connection named "dbb" — did you mean "db"?',
  ],
  [
    'a connection that only objects know',
    { destination: '{ connection: toString, table: x }' },
    '9:32  destination.connection: no connection named "toString"',
  ],
  ['no model', { source: '{ connection: db }' }, '6:5  source: missing; expected sql, file, table or stdin'],
  [
    'two models',
    { source: '{ connection: db, table: users, sql: select 1 }' },
    '6:45  source.sql: table is given already; give exactly one of sql, file, table or stdin',
  ],
  [
    'a misspelled model, told once',
    { source: '{ connection: db, tabel: users }' },
    '6:31  source.tabel: unknown key — did you mean "table"?',
  ],
  [
    'params without a query',
    { source: '{ connection: db, table: users, params: { a: 1 } }' },
    '6:45  source.params: a table takes no params; remove them, or give sql or file',
  ],
  [
    'a number that would be rounded',
    { source: '{ connection: db, sql: select 1, params: { a: 9007199254740993, b: 0.12345678901234567890 } }' },
    '6:59  source.params.a: this number has more digits than can be kept exactly; quote it',
    '6:80  source.params.b: this number has more digits than can be kept exactly; quote it',
  ],
  [
    'a param that is a list',
    { source: '{ connection: db, sql: select 1, params: { a: [1] } }' },
    '6:56  source.params.a: expected a text, a number, true, false or null, got a list',
  ],
  [
    'a time-out without a unit',
    { source: '{ connection: db, table: users, idle_timeout: 30 }' },
    `6:59  source.idle_timeout: ${DURATION}, got 30`,
  ],
  [
    'a time-out longer than timers',
    { source: '{ connection: db, table: users, idle_timeout: 30d }' },
    `6:59  source.idle_timeout: ${DURATION}, at most 24d, got "30d"`,
  ],
  [
    'an unknown way to read',
    { source: '{ connection: db, table: users, read: cursr }' },
    '6:51  source.read: expected auto | copy | cursor, or a map such as { parallel: 2 }, got "cursr" — did you mean "cursor"?',
  ],
  [
    'an unknown method to read',
    { source: '{ connection: db, table: users, read: { method: cursr } }' },
    '6:45  source.read: this is about Postgres and means nothing to SQLite; remove it',
    '6:61  source.read.method: expected auto | copy | cursor, got "cursr" — did you mean "cursor"?',
  ],
  [
    'no connection to read over',
    { source: '{ connection: db, table: users, read: { parallel: 0 } }' },
    '6:45  source.read: this is about Postgres and means nothing to SQLite; remove it',
    '6:63  source.read.parallel: expected a number of connections from 1 to 16, got 0',
  ],
  ['a source that is a list', { source: '[1]' }, '6:5  source: expected a map, got a list'],
  ['no object', { destination: '{ connection: db }' }, '9:5  destination: missing; expected table or object'],
  [
    'a table and an object',
    { destination: '{ connection: db, object: a, table: b }' },
    '9:47  destination.table: object is given already; give exactly one of table or object',
  ],
  [
    'create as a word',
    { destination: '{ connection: db, table: b, create: yes }' },
    '9:54  destination.create: expected true or false, got "yes"',
  ],
  [
    'an empty match',
    { destination: '{ connection: db, table: b, match: [] }' },
    '9:46  destination.match: expected a destination field or a list of them, got an empty list',
  ],
  [
    'an unknown way to delete',
    { deletes: '{ as: archived }' },
    '10:20  deletes.as: expected delete | archive | clear | a map of the fields to set instead, got "archived" — did you mean "archive"?',
  ],
  ['no fields to set', { deletes: '{ as: {} }' }, '10:16  deletes.as: no field is set; name one, or write delete'],
  [
    'an unknown variable in a soft delete',
    { deletes: '{ as: { at: { variable: run.startedat } } }' },
    '10:38  deletes.as.at.variable: expected run.id | run.started_at | sync.name, got "run.startedat" — did you mean "run.started_at"?',
  ],
  [
    'a soft delete by a list',
    { deletes: '{ as: { at: [1] } }' },
    '10:22  deletes.as.at: expected a text, a number, true, false, null or { variable: … }, got a list',
  ],
  [
    'an unknown scope',
    { deletes: '{ scope: sene }' },
    '10:23  deletes.scope: expected all | seen, got "sene" — did you mean "seen"?',
  ],
  [
    'a field with two values',
    { fields: '{ a: { from: x, value: 1 } }' },
    '10:29  fields.a.value: from is given already; give exactly one of from, value, variable or template',
  ],
  [
    'a field without a value',
    { fields: '{ a: { type: text } }' },
    '10:15  fields.a: missing; expected from, value, variable or template',
  ],
  [
    'a misspelled value, told once',
    { fields: '{ a: { vaule: 1 } }' },
    '10:20  fields.a.vaule: unknown key — did you mean "value"?',
  ],
  [
    'a field that is a number',
    { fields: '{ a: 7 }' },
    '10:18  fields.a: expected a column, or a map with from, value, variable or template, got 7',
  ],
  ['no fields', { fields: '{}' }, '10:5  fields: no field is mapped; name one, or remove `fields` to map all columns'],
  [
    'a broken template',
    { fields: '{ a: { template: "{first" } }' },
    '10:30  fields.a.template: a brace is not closed; write {column}, or {{ for a brace',
  ],
  [
    'a hash of a constant',
    { fields: '{ a: { value: x, hash: sha256 } }' },
    '10:30  fields.a.hash: only a column can be hashed; give from',
  ],
  [
    'a hash that is a number',
    { fields: '{ a: { from: x, hash: sha256, type: number } }' },
    '10:49  fields.a.type: a hash is text; remove the type',
  ],
  [
    'a field name that is hard to write',
    { fields: '{ "billing.city": 7 }' },
    '10:31  fields["billing.city"]: expected a column, or a map with from, value, variable or template, got 7',
  ],
  [
    'a share above everything',
    { guards: '{ max_deletes: 120% }' },
    `10:28  guards.max_deletes: ${THRESHOLD}, got "120%"`,
  ],
  ['a negative threshold', { guards: '{ max_rejected: -3 }' }, `10:29  guards.max_rejected: ${THRESHOLD}, got -3`],
  ['a negative minimum', { guards: '{ min_rows: -1 }' }, '10:25  guards.min_rows: expected at least 0, got -1'],
  ['a negative batch', { batch: '{ size: -1 }' }, '10:20  batch.size: expected at least 1, got -1'],
  [
    'a batch of more than any number',
    { batch: '{ size: 1e400 }' },
    '10:20  batch.size: this number has more digits than can be kept exactly; quote it',
  ],
  ['half a request', { batch: '{ concurrency: 1.5 }' }, '10:27  batch.concurrency: expected a whole number, got 1.5'],
  [
    'a rate in words',
    { batch: '{ rate: 10 per s }' },
    '10:20  batch.rate: expected requests per time such as 100/10s or 5/s, got "10 per s"',
  ],
  [
    'an unknown refresh',
    { index: '{ refresh: alway }' },
    '10:23  index.refresh: expected always | never | a duration such as 1d, got "alway" — did you mean "always"?',
  ],
  [
    'an unknown bootstrap',
    { index: '{ bootstrap: lst }' },
    '10:25  index.bootstrap: expected list | empty, got "lst" — did you mean "list"?',
  ],
  ['tags that are no list', { tags: 'crm' }, '10:11  tags: expected a list, got "crm"'],
  [
    'columns that are excluded from fields',
    { fields: '{ a: x }', exclude: '[y]' },
    '11:5  exclude: fields says which columns are sent, so this does nothing; remove one of them',
  ],
  [
    'a cursor over several connections, and SQLite besides',
    { source: '{ connection: db, table: users, read: { method: cursor, parallel: 2 } }' },
    '6:45  source.read: this is about Postgres and means nothing to SQLite; remove it',
    '6:69  source.read.parallel: only COPY reads over several connections; remove this, or the method',
  ],
  [
    'a cursor and fingerprints of the server, and SQLite besides',
    { source: '{ connection: db, table: users, read: { method: cursor, digest: true } }' },
    '6:45  source.read: this is about Postgres and means nothing to SQLite; remove it',
    '6:69  source.read.digest: only COPY fetches rows by their keys; remove this, or the method',
  ],
  [
    'ways to read Postgres for SQLite',
    { source: '{ connection: db, table: users, read: auto, idle_timeout: 5m }' },
    '6:45  source.read: this is about Postgres and means nothing to SQLite; remove it',
    '6:57  source.idle_timeout: this is about Postgres and means nothing to SQLite; remove it',
  ],
  [
    'a text with commas that is cut off',
    { source: '{ connection: db, sql: select a, b from t, c }' },
    '6:46  source["b from t"]: this has no value; if it belongs to "sql", put quotes around the whole text: within { } a comma ends it',
  ],
  ['an unknown key', { descripton: 'x' }, '10:5  descripton: unknown key — did you mean "description"?'],
  [
    'an unset variable',
    { description: 'by ${USR}' },
    '10:21  description: environment variable USR is not set; set it, or give a default: ${USR:-value} — did you mean "USER"?',
  ],
  [
    'an unset variable with a message',
    { description: '${WHO:?ask Ann}' },
    '10:18  description: environment variable WHO is not set; ask Ann',
  ],
  [
    'two unset variables in one text',
    { description: '${WHO} ${WHERE}' },
    '10:18  description: environment variable WHO is not set; set it, or give a default: ${WHO:-value}',
    '10:25  description: environment variable WHERE is not set; set it, or give a default: ${WHERE:-value}',
  ],
  [
    'an unset variable where its value would be checked, told once',
    { batch: '{ size: "${SIZE}" }' },
    '10:21  batch.size: environment variable SIZE is not set; set it, or give a default: ${SIZE:-value}',
  ],
  ['an unknown anchor', { tags: '*tags' }, '10:11  tags: no anchor named &tags; define it before it is used'],
]

for (const [name, lines, ...expected] of WRONG)
  test(`${name} is refused at its place`, async (t) => {
    const { problems, message } = await problemsOf(loadText(t, syncYaml(lines), { USER: 'me' }))
    const heads = problems.map((problem) => {
      const suggestion = problem.suggestion === undefined ? '' : ` — did you mean "${problem.suggestion}"?`
      return `${problem.line}:${problem.column}  ${problem.path}: ${problem.message}${suggestion}`
    })
    assert.deepEqual(
      heads,
      expected.map((head) => head.replace('  ', '  syncs.users.')),
    )
    for (const head of heads) assert.ok(message.includes(`rowferry.yaml:${head}\n`), message)
  })

const FILES: readonly (readonly [name: string, text: string, ...heads: string[]])[] = [
  ['an empty file', '# nothing\n', '1:1  the file is empty; write one with `rowferry init`'],
  ['a file that is a list', '- a\n', '1:1  expected a map, got a list'],
  ['a missing version', 'connections: {}\nsyncs: {}\n', '1:1  version: missing; expected 1'],
  ['another version', 'version: 2\nconnections: {}\nsyncs: {}\n', '1:10  version: expected 1, got 2'],
  ['a version that is a text', 'version: "1"\nconnections: {}\nsyncs: {}\n', '1:10  version: expected 1, got "1"'],
  [
    'nothing but a version',
    'version: 1\n',
    '1:1  connections: missing; expected a map',
    '1:1  syncs: missing; expected a map',
  ],
  [
    'a misspelled section, told once',
    'version: 1\nconections: {}\nsyncs: {}\n',
    '2:1  conections: unknown key — did you mean "connections"?',
  ],
  [
    'names that are not allowed',
    'version: 1\nconnections:\n  My DB: sqlite:x\n  -a: sqlite:x\nsyncs: {}\n',
    '3:3  connections["My DB"]: expected a name of a-z, 0-9, _ and -, at most 64, the first a letter or a digit',
    '4:3  connections.-a: expected a name of a-z, 0-9, _ and -, at most 64, the first a letter or a digit',
  ],
  [
    'a sync that has the name of the run history',
    syncYaml().replace('  users:', '  history:').replace('  db:', '  history: sqlite:./app.db\n  db:'),
    '6:3  syncs.history: this is the name of the run history; choose another',
  ],
  [
    'the name __proto__',
    'version: 1\nconnections: { __proto__: sqlite:x }\nsyncs: {}\n',
    '2:16  connections.__proto__: "__proto__" cannot be a name; choose another',
  ],
  [
    'a connection that is no URL',
    'version: 1\nconnections:\n  a: not a url\n  b: C:\\app.db\n  c: 5\n  d: {}\nsyncs: {}\n',
    '3:6  connections.a: expected a URL such as postgres://… or sqlite:./app.db, or a map with a type',
    '4:6  connections.b: expected a URL such as postgres://… or sqlite:./app.db, or a map with a type',
    '5:6  connections.c: expected a URL such as postgres://… or sqlite:./app.db, or a map with a type, got 5',
    "6:3  connections.d.type: missing; expected a connector's name such as postgres, sqlite or hubspot",
  ],
  [
    'keys that are there twice',
    'version: 1\nversion: 1\nconnections: { a: sqlite:x, a: sqlite:y }\nsyncs: {}\n',
    '2:1  version: this key is there twice; keep one of them',
    '3:29  connections.a: this key is there twice; keep one of them',
  ],
  [
    'a URL that ends with a colon',
    'version: 1\nconnections:\n  out: stdout:\n  in: file: x\nsyncs: {}\n',
    '3:8  a text with a colon at its end, or before a blank, needs quotes',
    '4:7  a text with a colon at its end, or before a blank, needs quotes',
  ],
  ['a tab', 'version: 1\nconnections:\n\ta: b\n', '3:1  a tab cannot indent YAML; use spaces'],
  ['an open quote', 'version: "1\n', '2:1  cannot be read as YAML: Missing closing "quote'],
  ['two documents', 'version: 1\n---\nversion: 1\n', '2:1  a second document starts here; remove the --- line'],
  ['an unknown tag', 'version: !env 1\n', '1:10  unresolved tag: !env; remove the tag'],
  ['a list as key', '? [a]\n: b\n', '1:3  a list or map cannot be a key; use a name'],
  [
    'an unquoted reference in a flow map',
    'version: 1\nconnections: { a: ${URL} }\n',
    '2:19  within { } or [ ] a reference to the environment needs quotes; write "${NAME}"',
  ],
  [
    'unquoted references with lines behind them',
    'version: 1\nconnections: {\n  a: ${URL},\n  b: "sqlite:x",\n  c: [x, ${C:-{},${D}}/y.db],\n}\nsyncs: {}\nversion: "1\n',
    '3:6  within { } or [ ] a reference to the environment needs quotes; write "${NAME}"',
    '5:10  within { } or [ ] a reference to the environment needs quotes; write "${NAME}"',
    '9:1  cannot be read as YAML: Missing closing "quote',
  ],
  [
    'a reference in a map that is not closed',
    'version: 1\nconnections: { a: x\nsyncs: ${X}\n',
    '3:1  cannot be read as YAML: Flow map in block collection must be sufficiently indented and end with a }',
  ],
]

/** What would name a file elsewhere, or one that cannot be. */
const PATHS = [
  '../x',
  '..',
  '.',
  'a/b',
  'a\\b',
  '/etc/passwd',
  '%2e%2e',
  'A',
  'é',
  '-x',
  'a b',
  'a.b',
  'con:',
  'x'.repeat(65),
  '~',
]

test('a name that would be the path of another file is refused, of a sync as of a connection', async (t) => {
  for (const name of PATHS) {
    const text = syncYaml()
      .replace('  users:', `  ${JSON.stringify(name)}:`)
      .replace('  db:', `  ${JSON.stringify(name)}:`)
    const { problems } = await problemsOf(loadText(t, text))
    const refused = problems.filter(({ message }) => message.startsWith('expected a name of a-z, 0-9, _ and -'))
    assert.deepEqual(
      refused.map(({ line }) => line),
      [3, 5],
      name,
    )
  }
  t.diagnostic(`${PATHS.length} names`)
})

test('how many configurations were tried', (t) => {
  t.diagnostic(`${WRONG.length} syncs and ${FILES.length} files that are wrong`)
})

test('texts that would keep a pattern busy are refused, or taken, at once', async (t) => {
  const long = (text: string) => JSON.stringify(text.repeat(20_000))
  for (const lines of [
    { key: long('a') },
    { key: long('{') },
    { fields: `{ a: { template: ${long('{a')} } }` },
    { batch: `{ rate: ${long('1')} }` },
    { guards: `{ max_deletes: ${long('9')} }` },
    { source: `{ connection: ${long('d')}, table: ${long('"a".')} }` },
    { source: `{ connection: db, table: x, idle_timeout: ${long('1')} }` },
    { description: long('$') },
    { description: long('${A:-') },
    { mode: long('mirror ') },
    { [long('k').slice(1, 5000)]: '1' },
  ]) {
    const began = performance.now()
    await loadText(t, syncYaml(lines as Record<string, string>)).catch((error: unknown) =>
      assert.ok(error instanceof FatalError, String(error)),
    )
    assert.ok(performance.now() - began < 3000, JSON.stringify(lines).slice(0, 60))
  }
})

for (const [name, text, ...heads] of FILES)
  test(`${name} is refused`, async (t) => {
    const { message } = await problemsOf(loadText(t, text))
    assert.deepEqual(
      message.split('\n').filter((line) => line.startsWith('rowferry.yaml')),
      heads.map((head) => `rowferry.yaml:${head}`),
    )
  })

test('the whole text of an error has the line and carets below what is wrong', async (t) => {
  const error = await problemsOf(loadText(t, syncYaml({ mode: 'miror', descripton: 'a' })))
  assert.equal(
    error.message,
    `rowferry.yaml:8:11  syncs.users.mode: expected ${MODES}, got "miror" — did you mean "mirror"?
    8 |     mode: miror
      |           ^^^^^
rowferry.yaml:10:5  syncs.users.descripton: unknown key — did you mean "description"?
    10 |     descripton: a
       |     ^^^^^^^^^^`,
  )
  assert.ok(error instanceof FatalError)
  assert.deepEqual([error.code, error.kind], ['configuration_invalid', 'configuration'])
})

test('all problems of a file are told at once, each once, in the order of the file', async (t) => {
  const lines = WRONG.flatMap(([, lines]) => Object.entries(lines))
  const { problems } = await problemsOf(
    loadText(t, syncYaml(Object.fromEntries(lines.filter(([, value]) => value !== null && value !== '')))),
  )
  const places = problems.map(({ line, column }) => [line ?? 0, column ?? 0] as const)
  assert.ok(problems.length > 10)
  assert.deepEqual(
    places,
    [...places].sort(([a, b], [c, d]) => a - c || b - d),
  )
  assert.equal(new Set(places.map(String)).size, places.length)
})

const bomb = Array.from(
  { length: 10 },
  (_, i) =>
    `a${i}: &a${i} [${Array(10)
      .fill(i === 0 ? 'x' : `*a${i - 1}`)
      .join(', ')}]\n`,
)

for (const [name, text] of [
  ['aliases that multiply', bomb.join('')],
  ['an alias within itself', 'a: &a [*a, *a]\n'],
  ['lists within lists', '['.repeat(20_000)],
  ['closed lists within lists', `a: ${'['.repeat(200)}${']'.repeat(200)}\n`],
] as const)
  test(`${name}: refused, once and soon`, async (t) => {
    const { problems } = await problemsOf(loadText(t, text))
    assert.match(problems.map((problem) => problem.message).join(), /^this nests deeper, or multiplies/)
    assert.equal(problems.length, 1)
  })

test('a long line is cut around the carets, and what controls a terminal is not printed', async (t) => {
  const long = `select '${'x'.repeat(300)}'`
  const text = syncYaml({ source: `{ connection: db, sql: "${long}", table: users } # \u001b[31m` })
  const [problem] = (await problemsOf(loadText(t, text))).problems
  const [line = '', carets = ''] = problem?.frame?.split('\n') ?? []
  assert.ok(line.length < 160)
  assert.equal(line.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1), 'table')
  assert.ok(!problem?.frame?.includes('\u001b'))
})

test('carets stand right behind a tab', async (t) => {
  const text = syncYaml({ mode: '\tmiror' })
  const [problem] = (await problemsOf(loadText(t, text))).problems
  assert.equal(problem?.frame, '    8 |     mode: \tmiror\n      |           \t^^^^^')
})
