import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { count, medianOf, rate, table } from './statistics.ts'
import { expectCounts, type Measured, measure } from './syncs.ts'

const SORT = new URL('./sort-stage.mjs', import.meta.url).pathname

/**
 * Rows in any order through a pipe, mirrored into SQLite: sorted on disk, then written, then found unchanged. The table is
 * compared with the rows by digest.
 */
export async function unsorted(rows: number, runs: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-bench-'))
  try {
    const input = join(folder, 'rows.ndjson')
    const { digest, bytes } = writeRows(input, rows)
    const argv = `--from - --format ndjson --to sqlite:./app.db#users --key id --mode mirror --rows ${rows}`.split(' ')
    const first: Measured[] = []
    const again: Measured[] = []
    const alone: { readonly ms: number }[] = []
    for (let run = 0; run < runs; run++) {
      for (const name of ['app.db', '.rowferry']) rmSync(join(folder, name), { recursive: true, force: true })
      alone.push(JSON.parse(execFileSync(process.execPath, [SORT, folder, String(rows)], { encoding: 'utf8' })))
      first.push(await measure(folder, argv, input))
      again.push(await measure(folder, argv, input))
      expectCounts((first.at(-1) as Measured).report, { inserted: rows })
      expectCounts((again.at(-1) as Measured).report, { unchanged: rows })
      if (digestOf(join(folder, 'app.db')) !== digest) throw new Error('the table is not what was piped in')
    }
    const line = (what: string, of: readonly Measured[]) => [
      what,
      rate(
        rows,
        medianOf(of, ({ ms }) => ms),
      ),
      ((medianOf(of, ({ cpuMs }) => cpuMs) * 1000) / rows).toFixed(2),
      Math.round(Math.max(...of.map(({ peakMiB }) => peakMiB))),
    ]
    return `## Unsorted NDJSON from a pipe into SQLite

${count(rows)} rows in no order, ${Math.round(bytes / rows)} bytes each, keyed by a text, sorted on the disk. The table is compared with what was piped in by
SHA-256.

${table(
  ['', 'rows/s', 'Node CPU µs/row', 'peak RSS MiB'],
  [
    line('first run: sorted, and inserted into a new table', first),
    line('the same again: sorted, and found unchanged', again),
    [
      'the sort alone, over rows in memory: 64 MiB of them at a time, the rest on the disk',
      rate(
        rows,
        medianOf(alone, ({ ms }) => ms),
      ),
      '',
      '',
    ],
  ],
)}
`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const record = (id: number) => ({
  id: `user-${id}`,
  email: `user${id}@example.com`,
  name: `First${id % 1000} Last${id % 777}`,
  city: `City ${id % 99}`,
})

/** Writes the rows in an order that jumps about, and gives the digest of them in key order. */
function writeRows(path: string, rows: number): { readonly digest: string; readonly bytes: number } {
  const file = openSync(path, 'w')
  let bytes = 0
  let text = ''
  // Each number once, because the step is prime and larger than any number of rows that is measured.
  for (let row = 0, id = 0; row < rows; row++) {
    text += `${JSON.stringify(record(id))}\n`
    id = (id + 1_000_000_007) % rows
    if (text.length < 1_000_000 && row < rows - 1) continue
    bytes += writeSync(file, text)
    text = ''
  }
  closeSync(file)
  const ids = Array.from({ length: rows }, (_, id) => id)
  // By the bytes of the texts, which are ASCII.
  ids.sort((a, b) => (`${a}` < `${b}` ? -1 : 1))
  const hash = createHash('sha256')
  for (const id of ids) hash.update(`${Object.values(record(id)).join('\t')}\n`)
  return { digest: hash.digest('hex'), bytes }
}

function digestOf(path: string): string {
  const database = new Database(path, { readonly: true })
  try {
    const hash = createHash('sha256')
    const select = database.prepare<[], string[]>('SELECT id, email, name, city FROM users ORDER BY id').raw()
    for (const row of select.iterate()) hash.update(`${row.join('\t')}\n`)
    return hash.digest('hex')
  } finally {
    database.close()
  }
}
