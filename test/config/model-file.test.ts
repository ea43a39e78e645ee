// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of references is what is tested
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { readModelFile } from '../../src/config/model-file.ts'
import { folderWith, problemsOf, syncYaml } from './config-folder.ts'

const OUTSIDE = { problem: 'the file has to be below the folder of the configuration; move it there' }

test('a model is read relative to the configuration, as it is', async (t) => {
  const sql = "-- ${NOT_EXPANDED}\nselect '$$'\n"
  const directory = folderWith(t, {
    'etl/rowferry.yaml': syncYaml({ source: '{ connection: db, file: models/users.sql, params: { a: 1 } }' }),
    'etl/models/users.sql': `\uFEFF${sql}`,
  })
  const config = await loadConfig({ directory, file: 'etl/rowferry.yaml', environment: {} })
  const source = config.syncs.get('users')?.source
  assert.deepEqual([source?.sql, source?.file], [sql, 'models/users.sql'])
})

test('a missing model is told with its position, and with the file that was meant', async (t) => {
  const directory = folderWith(t, {
    'rowferry.yaml': syncYaml({ source: '{ connection: db, file: models/user.sql }' }),
    'models/users.sql': 'select 1',
  })
  const { message } = await problemsOf(loadConfig({ directory, environment: {} }))
  assert.equal(
    message.split('\n')[0],
    'rowferry.yaml:6:37  syncs.users.source.file: no such file; paths start from the folder of the configuration — did you mean "models/users.sql"?',
  )
})

test('a model must stay below the folder of the configuration', (t) => {
  const directory = folderWith(t, {
    'etl/models/ok.sql': 'select 1',
    'etl/..hidden/ok.sql': 'select 2',
    'secret.sql': 'select 3',
    'etl-other/x.sql': 'select 4',
  })
  const base = join(directory, 'etl')
  symlinkSync(join(directory, 'secret.sql'), join(base, 'link.sql'))
  symlinkSync(directory, join(base, 'up'))
  symlinkSync(join(base, 'models', 'ok.sql'), join(base, 'inside.sql'))
  const read = (file: string) => readModelFile(file, base)

  assert.deepEqual(read('models/ok.sql'), { sql: 'select 1' })
  assert.deepEqual(read('./models/../models/ok.sql'), { sql: 'select 1' })
  assert.deepEqual(read('..hidden/ok.sql'), { sql: 'select 2' })
  assert.deepEqual(read('inside.sql'), { sql: 'select 1' })
  assert.deepEqual(read(join(base, 'models/ok.sql')), { sql: 'select 1' })
  for (const file of [
    '../secret.sql',
    '../etl-other/x.sql',
    'models/../../secret.sql',
    join(directory, 'secret.sql'),
    '/etc/passwd',
    '../does-not-exist.sql',
    '..',
    '.',
    'link.sql',
    'up/secret.sql',
  ])
    assert.deepEqual(read(file), OUTSIDE, file)
})

test('a folder, an empty file and other encodings are told apart', (t) => {
  const base = folderWith(t, {
    'empty.sql': ' \n',
    'latin.sql': Buffer.from([0x2d, 0x2d, 0xe9]),
    'file.sql': 'select 1',
  })
  mkdirSync(join(base, 'models'))
  const problem = (file: string) => {
    const model = readModelFile(file, base)
    return 'problem' in model ? model.problem : model
  }
  assert.equal(problem('models'), 'this is not a file; name a file with a query')
  assert.equal(problem('empty.sql'), 'the file is empty; write the query into it')
  assert.equal(problem('latin.sql'), 'the file is not UTF-8; save it as UTF-8')
  assert.match(String(problem('file.sql/x')), /^no such file/)
  assert.match(String(problem('a\0b')), /^cannot be read/)
})

test('a configuration mounted the way Kubernetes does, through links, finds its models', async (t) => {
  const directory = folderWith(t, {
    'etc/..2026_11_22/rowferry.yaml': syncYaml({ source: '{ connection: db, file: users.sql }' }),
    'etc/..2026_11_22/users.sql': 'select 1',
  })
  const etc = join(directory, 'etc')
  symlinkSync('..2026_11_22', join(etc, '..data'))
  for (const name of ['rowferry.yaml', 'users.sql']) symlinkSync(join('..data', name), join(etc, name))
  const config = await loadConfig({ directory: etc, environment: {} })
  assert.equal(config.syncs.get('users')?.source.sql, 'select 1')
})
