// Proves that the package works where it is installed: packs what `npm run build` made, installs the tarball into an
// empty folder, and uses it from there, as a command, as a library and from TypeScript.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const repository = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'rowferry-smoke-'))
const project = join(folder, 'project')
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
// The folder Postgres is found from: the package brings none, the development dependency of this one does.
process.chdir(repository)

const say = (text) => console.log(`smoke  ${text}`)
const run = (command, argv, options = {}) =>
  execFileSync(command, argv, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options })

// A compiler takes two minutes for what the repository has compiled already: better-sqlite3's own installer takes it
// from a folder of prebuilt binaries. Another version than the repository's is installed as everywhere.
function prebuilt() {
  const installed = join(repository, 'node_modules/better-sqlite3')
  const sqlite = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')).version
  if (!existsSync(join(installed, 'build/Release/better_sqlite3.node'))) return {}
  const prebuilds = join(folder, 'prebuilds')
  mkdirSync(prebuilds)
  const runtime = `node-v${process.versions.modules}-${process.platform}-${process.arch}`
  const archive = join(prebuilds, `better-sqlite3-v${sqlite}-${runtime}.tar.gz`)
  run('tar', ['-czf', archive, 'build/Release/better_sqlite3.node'], { cwd: installed })
  return { npm_config_better_sqlite3_local_prebuilds: prebuilds }
}

mkdirSync(project)
chmodSync(folder, 0o755)
run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: repository })
const tarball = join(folder, `rowferry-${version}.tgz`)
run(process.execPath, ['node_modules/publint/src/cli.js', 'run', tarball, '--strict'], { cwd: repository })
const attw = ['node_modules/@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'esm-only', '--format', 'ascii']
run(process.execPath, attw, { cwd: repository })
say('packed; publint and attw have nothing to say')

writeFileSync(
  join(project, 'package.json'),
  JSON.stringify({ private: true, type: 'module', allowScripts: { 'better-sqlite3': true } }),
)
run('npm', ['install', '--silent', '--no-audit', '--no-fund', tarball], { env: { ...process.env, ...prebuilt() } })
say(`installed: ${readdirSync(join(project, 'node_modules')).length} packages`)

assert.equal(run('npx', ['rowferry', '--version']), `${version}\n`)
const help = run('npx', ['rowferry', '--help'])
for (const command of ['run', 'plan', 'validate', 'schema', 'demo'])
  assert.match(help, new RegExp(`^ {2}${command} `, 'm'))
const fastest = (argv) =>
  Math.min(
    ...Array.from({ length: 10 }, () => {
      const began = performance.now()
      run(process.execPath, argv)
      return performance.now() - began
    }),
  )
const bare = Math.round(fastest(['--eval', '0']))
const helped = Math.round(fastest(['node_modules/rowferry/dist/cli/main.js', '--help']))
say(`npx rowferry --version and --help answer; at best --help takes ${helped} ms, and Node by itself ${bare}`)

const require = createRequire(join(project, 'package.json'))
const imported = (name) => import(pathToFileURL(require.resolve(name)).href)
const { startPostgres } = await imported('rowferry/testing')
const { default: pg } = await imported('pg')
const { default: Database } = await imported('better-sqlite3')
const postgres = await startPostgres()
try {
  const client = new pg.Client(postgres.url)
  await client.connect()
  await client.query(`CREATE TABLE users AS SELECT i AS id, 'Zoë ' || i AS name FROM generate_series(1, 1000) AS i`)
  await client.end()
  writeFileSync(
    join(project, 'rowferry.yaml'),
    `# yaml-language-server: $schema=./node_modules/rowferry/schema/v1.json
version: 1
connections:
  warehouse: \${DATABASE_URL}
  app: sqlite:./app.db
syncs:
  users:
    source: { connection: warehouse, table: users }
    key: id
    mode: mirror
    destination: { connection: app, table: users, create: true }
`,
  )
  const environment = { env: { ...process.env, DATABASE_URL: postgres.url } }
  const report = JSON.parse(run('npx', ['rowferry', 'run', 'users', '--json', '--quiet'], environment))
  assert.equal(report.status, 'succeeded')
  assert.equal(report.counts.inserted, 1000)
  const database = new Database(join(project, 'app.db'), { readonly: true })
  assert.deepEqual(database.prepare('SELECT count(*) AS count, max(name) AS name FROM users').get(), {
    count: 1000,
    name: 'Zoë 999',
  })
  database.close()
  say('npx rowferry run: 1,000 rows from Postgres to SQLite')

  // The README's first sync, to the letter but for the database.
  const readme = readFileSync(join(repository, 'README.md'), 'utf8')
  const commands = /^npm install rowferry\n((?:npx rowferry .*\n)+)/m.exec(readme)[1].trim().split('\n')
  mkdirSync(join(project, 'first'))
  for (const command of commands) {
    const line = command.replace(/postgres:\/\/\S+/, postgres.url)
    run('sh', ['-c', line], { cwd: join(project, 'first'), stdio: ['ignore', 'pipe', 'pipe'] })
  }
  const first = new Database(join(project, 'first/app.db'), { readonly: true })
  assert.equal(first.prepare('SELECT count(*) FROM users').pluck().get(), 1000)
  first.close()
  say(`the README's first sync works: ${commands.length + 1} commands`)

  const { loadConfig, sync } = await imported('rowferry')
  const config = await loadConfig({ directory: project, environment: { DATABASE_URL: postgres.url } })
  assert.equal((await sync(config)).counts.unchanged, 1000)
  assert.ok(require('rowferry/schema/v1.json').properties.syncs)
  say('the library runs the same sync')
} finally {
  await postgres[Symbol.asyncDispose]()
}

// Many rows into SQLite are written by a thread, whose file has to be where the others look for it.
const many = join(folder, 'many')
mkdirSync(many)
writeFileSync(
  join(many, 'rowferry.yaml'),
  `version: 1
connections: { made: 'generate:?rows=30000', app: 'sqlite:./app.db' }
syncs:
  all:
    source: { connection: made, table: rows }
    key: id
    mode: mirror
    destination: { connection: app, table: contacts, create: true }
`,
)
const tell = `import { writeFileSync } from 'node:fs'; process.once('worker', () => writeFileSync('threads', ''))`
const preload = `data:text/javascript,${encodeURIComponent(tell).replaceAll("'", '%27')}`
const shipped = join(project, 'node_modules/rowferry/dist/cli/main.js')
run(process.execPath, ['--import', preload, shipped, 'run', '--quiet'], { cwd: many })
assert.ok(existsSync(join(many, 'threads')), 'the command line has written all rows in one thread')
rmSync(join(many, 'app.db'))
rmSync(join(many, '.rowferry'), { recursive: true })
let threads = 0
process.once('worker', () => threads++)
const { loadConfig: load, sync: syncMany } = await imported('rowferry')
assert.equal((await syncMany(await load({ directory: many, environment: {} }))).counts.inserted, 30_000)
assert.equal(threads, 1, 'the library has written all rows in one thread')
say('many rows into SQLite are written by a thread, for the command line and for the library')

writeFileSync(
  join(project, 'check.ts'),
  `import { defineConfig, type Report, sync } from 'rowferry'
import { startPostgres } from 'rowferry/testing'
await using postgres = await startPostgres()
const config = defineConfig({
  version: 1,
  connections: { a: postgres.url, b: { type: 'blackhole' } },
  syncs: { s: { source: { connection: 'a', table: 't' }, key: 'id', mode: 'upsert', destination: { connection: 'b', object: 'o' } } },
})
const report: Report = await sync(config, { sync: 's' })
// @ts-expect-error: a count is a number
const wrong: string = report.counts.inserted
console.log(wrong)
`,
)
const options = '--noEmit --strict --skipLibCheck --target es2023 --lib es2023,esnext.disposable --module nodenext'
const types = ['--types', 'node', '--typeRoots', join(repository, 'node_modules/@types')]
run(process.execPath, [
  join(repository, 'node_modules/typescript/bin/tsc'),
  ...options.split(' '),
  ...types,
  'check.ts',
])
say('the types are there for TypeScript')

// From the repository's folder, where the development dependency is.
const demo = run(process.execPath, [join(project, 'node_modules/rowferry/dist/cli/main.js'), 'demo'], {
  cwd: repository,
})
say(`rowferry demo: ${/^result +(.*)$/m.exec(demo)?.[1]}`)
