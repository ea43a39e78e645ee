import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Report } from '../src/index.ts'
import type { Server } from './server.ts'

export interface Measured {
  /** From the connection to the report, as the run itself says; milliseconds. */
  readonly ms: number
  /** Of the whole process, its start included; milliseconds. */
  readonly wallMs: number
  /** CPU of the process, user and system; milliseconds. */
  readonly cpuMs: number
  /** CPU of the connections to Postgres; milliseconds. Undefined where the system does not say. */
  readonly serverCpuMs: number | undefined
  /** Peak resident set of the process; MiB. */
  readonly peakMiB: number
  readonly report: Report
}

/** A folder with one sync `s` of the table `contacts` into somewhere. */
export interface Sync extends Disposable {
  /** Runs the built command line and measures the whole process; throws unless it counts exactly this. */
  run(counts: Partial<Report['counts']>, ...argv: string[]): Promise<Measured>
  /** Makes the next run the first one. */
  forget(): void
  /** Bytes of the key index. */
  indexBytes(): number
  readonly folder: string
}

const USAGE = new URL('./usage.mjs', import.meta.url).pathname
const CLI = new URL('../dist/cli/main.js', import.meta.url).pathname

/** What the sync of a question says beyond its connections. */
export interface SyncOptions {
  readonly sql?: string
  readonly source?: Readonly<Record<string, unknown>>
  readonly key?: string | readonly string[]
  readonly mode?: string
  /** URL of the destination, and its table. */
  readonly to?: string
  readonly table?: string
  readonly create?: boolean
  readonly index?: Readonly<Record<string, unknown>>
}

/** Needs a build in dist/. */
export function syncOf(server: Server, options: SyncOptions = {}): Sync {
  const { sql = 'select * from contacts', key = 'id', to = 'blackhole:', table = 'contacts', create = false } = options
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-bench-'))
  const config = {
    version: 1,
    connections: { warehouse: server.url, to },
    syncs: {
      s: {
        source: { connection: 'warehouse', sql, ...options.source },
        key,
        mode: options.mode ?? 'mirror',
        destination: { connection: 'to', table, ...(create && { create }) },
        ...(options.index && { index: options.index }),
        guards: { max_deletes: '100%' },
      },
    },
  }
  writeFileSync(join(folder, 'rowferry.yaml'), stringify(config))
  return {
    folder,
    async run(counts, ...argv) {
      const before = await server.cpuMs()
      const measured = await measure(folder, ['s', ...argv])
      const after = await server.cpuMs()
      expectCounts(measured.report, counts)
      return { ...measured, serverCpuMs: after === undefined ? undefined : after - (before ?? 0) }
    },
    forget: () => rmSync(join(folder, '.rowferry'), { recursive: true, force: true }),
    indexBytes: () => statSync(join(folder, '.rowferry/s.sqlite')).size,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Runs the built command line in a folder with `--json`; `input` is the file that is piped into it. */
export async function measure(folder: string, argv: readonly string[], input?: string): Promise<Measured> {
  const usage = join(folder, 'usage.json')
  const stdin = input === undefined ? 'ignore' : openSync(input, 'r')
  const began = performance.now()
  const child = spawn(process.execPath, ['--import', USAGE, CLI, 'run', ...argv, '--json', '--quiet'], {
    cwd: folder,
    env: { ...process.env, ROWFERRY_BENCH_USAGE: usage },
    stdio: [stdin, 'pipe', 'inherit'],
  })
  if (typeof stdin === 'number') closeSync(stdin)
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`rowferry ended with ${code}: ${output}`)),
    )
  })
  const wallMs = performance.now() - began
  const report = JSON.parse(output) as Report
  const { cpuMs, peakMiB } = JSON.parse(readFileSync(usage, 'utf8')) as { cpuMs: number; peakMiB: number }
  return { ms: report.duration_ms, wallMs, cpuMs, peakMiB, serverCpuMs: undefined, report }
}

/** What does other work than it should is not measured. */
export function expectCounts({ counts }: Report, expected: Partial<Report['counts']>): void {
  for (const [name, count] of Object.entries(expected)) {
    const found = counts[name as keyof typeof counts]
    if (found !== count) throw new Error(`expected ${count} ${name}, got ${found}: the measurement means nothing`)
  }
}
