import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { InitOptions } from '../../src/cli/init-command.ts'
import { planFile } from '../../src/cli/init-file.ts'
import { writeFiles } from '../../src/cli/init-files.ts'
import { listConnectors, resolveConfig, suggestion } from '../../src/index.ts'
import { commandLine } from '../support/command-line.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const CONNECTORS = await listConnectors()

const plan = (options: Partial<InitOptions>) =>
  planFile({ logFormat: 'text', color: true, mode: 'mirror', ...options }, CONNECTORS, suggestion)

/** The configuration that was written, as the engine reads it. */
function read(options: Partial<InitOptions>) {
  const { yaml, secrets, sync } = plan(options)
  const environment = { DATABASE_URL: 'postgres://db/shop', ...secrets }
  const config = resolveConfig(parse(yaml), { baseDirectory: '/tmp', environment })
  return { sync, secrets, connections: config.connections, found: config.syncs.get(sync) }
}

test('what is written is a configuration, with options and without', () => {
  const bare = read({})
  assert.equal(bare.sync, 'contacts')
  assert.equal(bare.connections.get('warehouse')?.options['url'], 'postgres://db/shop')
  const { sync, found, connections } = read({
    from: 'postgres://db/shop',
    to: 'sqlite:./app.db#Orders',
    table: 'public."Order"',
    key: ['tenant_id', 'order id'],
    mode: 'upsert',
  })
  assert.equal(sync, 'orders')
  assert.deepEqual(found?.key, ['tenant_id', 'order id'])
  assert.equal(found?.mode, 'upsert')
  assert.equal(found?.source.table, 'public."Order"')
  assert.deepEqual(found?.destination, { connection: 'app', object: 'Orders', match: undefined, create: true })
  assert.equal(connections.get('app')?.options['url'], 'sqlite:./app.db')
})

test('names that YAML would take for something else, and variables, stay what they are', () => {
  for (const name of ['null', 'true', '123', 'a b', 'a: b', '- x', '#x', 'é', '"q"', "it's"]) {
    assert.deepEqual(read({ table: name, name: 'x', key: [name, 'id'], to: `sqlite:./app.db#${name}` }).found?.key, [
      name,
      'id',
    ])
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as a user writes it
  assert.equal(read({ from: '${DATABASE_URL}' }).connections.get('warehouse')?.options['url'], 'postgres://db/shop')
  assert.equal(read({ from: 'postgres://db/a$b' }).connections.get('warehouse')?.options['url'], 'postgres://db/a$b')
})

test('a URL with a password goes to .env', () => {
  const url = 'postgres://me:pa$$ w"rd@db/shop'
  const { yaml } = plan({ from: url })
  assert.ok(!yaml.includes('w"rd'))
  const { secrets, connections } = read({ from: url })
  assert.deepEqual(secrets, { SOURCE_URL: url })
  assert.equal(connections.get('warehouse')?.options['url'], url)
})

test('so does one with a password among its parameters, and none is printed', () => {
  for (const name of ['password', 'PASSWORD', 'sslpassword', 'api_key', 'access_token']) {
    const url = `postgres://db/shop?a=b&${name}=hunter22`
    assert.doesNotMatch(plan({ from: url }).yaml, /hunter22/)
    assert.deepEqual(read({ from: url }).secrets, { SOURCE_URL: url })
  }
  assert.deepEqual(read({ from: 'postgres://me@db/shop?sslkey=own.key' }).secrets, {})
  for (const url of ['//me:hunter22@db', 'postgres//me:hunter22@db', 'postgres//db?password=hunter22']) {
    assert.throws(
      () => plan({ from: url }),
      (error: Error) => /is no URL/.test(error.message) && !/hunter22/.test(error.message),
    )
  }
})

test('a URL that no connector answers to is refused', () => {
  assert.throws(() => plan({ from: 'postgre://db' }), /no source answers to postgre: — did you mean "postgres"\?/)
  assert.throws(() => plan({ from: 'blackhole:' }), /no source answers to blackhole:/)
  assert.throws(() => plan({ to: 'app.db' }), /--to app\.db is no URL/)
  assert.throws(() => plan({ name: 'Not This' }), /"Not This" cannot name a sync/)
})

test('nothing is overwritten, and what is there already is not added again', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('.git'))
  mkdirSync(folder.file('sub'))
  const below = join(folder.path, 'sub')
  const text = (name: string) => readFileSync(join(below, name), 'utf8')
  const made = plan({ from: "postgres://me:it's@db/shop" })
  const { files } = await writeFiles(made, below)
  assert.deepEqual(files, ['rowferry.yaml', '.env', '.gitignore'])
  assert.equal(text('.gitignore'), '.rowferry/\n.env\n')
  assert.equal(text('.env'), "SOURCE_URL='postgres://me:it%27s@db/shop'\n")
  assert.equal(statSync(join(below, '.env')).mode & 0o777, 0o600)
  await assert.rejects(writeFiles(made, below), /there is a rowferry\.yaml already/)
  assert.equal(text('.gitignore'), '.rowferry/\n.env\n')
})

test('init writes a file to begin with, and says what is next', () => {
  using cli = commandLine()
  cli.write('.env', 'SOURCE_URL=other')
  const taken = cli.run('init', '--from', 'postgres://me:secret@db/shop')
  assert.equal(taken.status, 64)
  assert.match(taken.stderr, /\.env has another SOURCE_URL already/)
  const done = cli.run('init', '--from', 'postgres://db/shop', '--table', 'users', '--key', 'id', '--json')
  assert.equal(done.status, 0, done.stderr)
  assert.deepEqual(done.json(), { sync: 'users', files: ['rowferry.yaml'], notes: ['wrote rowferry.yaml'] })
  assert.match(done.stderr, /^next:\n {2}rowferry validate /m)
  assert.equal(cli.run('validate', '--no-connect').status, 0)
  const again = cli.run('init')
  assert.equal(again.status, 64)
  assert.equal(
    again.stderr,
    'rowferry: there is a rowferry.yaml already\nedit it, or begin in another folder with --chdir\n',
  )
})
