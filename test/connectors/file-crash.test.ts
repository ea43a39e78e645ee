import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseCsv } from '../support/csv-text.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROWS = 20_000
const script = new URL('../support/append-until-killed.ts', import.meta.url).pathname
const oneBatch = new URL('../support/write-one-batch.ts', import.meta.url).pathname

/** Lets a run append until the file has grown by so much, and kills it. Answers whether it was killed. */
async function killAfter(path: string, state: string, growth: number): Promise<boolean> {
  const from = existsSync(path) ? statSync(path).size : 0
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', script, path, state, String(ROWS)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  while (child.exitCode === null && child.signalCode === null) {
    if (existsSync(path) && statSync(path).size >= from + growth) child.kill('SIGKILL')
    await delay(1)
  }
  await ended
  return child.signalCode === 'SIGKILL'
}

for (const format of ['csv', 'ndjson'] as const) {
  test(`${format}: holds every row once and whole, however often its run is killed`, async () => {
    using folder = temporaryFolder()
    const path = folder.file(`out.${format}`)
    const state = folder.file('state')
    let kills = 0
    for (const growth of [10_000, 900_000]) if (await killAfter(path, state, growth)) kills++
    assert.ok(kills > 0, 'no run was killed')
    const last = spawnSync(process.execPath, ['--import', 'tsx', script, path, state, String(ROWS)], {
      encoding: 'utf8',
    })
    assert.equal(last.stdout, 'succeeded \n', last.stderr)
    const text = readFileSync(path, 'utf8')
    const rows =
      format === 'csv'
        ? parseCsv(text).slice(1)
        : text
            .split('\n')
            .slice(0, -1)
            .map((line) => Object.values(JSON.parse(line) as Record<string, unknown>))
    assert.equal(rows.length, ROWS)
    const ids = new Set(rows.map(([id]) => Number(id)))
    assert.equal(ids.size, ROWS, 'a row is there twice')
    for (const [id, name] of rows) assert.equal(name, `row ${id} `.repeat(20))
  })
}

test('leaves a file as it was where there is no room for a whole batch', () => {
  using folder = temporaryFolder()
  const path = folder.file('out.csv')
  writeFileSync(path, 'id,name\n1,a\n')
  // A limit on the size of files: the write ends half way, as on a disk that is full.
  const limited = ['-c', 'ulimit -f 64; exec "$@"', 'sh', process.execPath, '--import', 'tsx', oneBatch, path]
  const { stdout, stderr } = spawnSync('sh', limited, {
    encoding: 'utf8',
    env: { ...process.env, TSX_DISABLE_CACHE: '1' },
  })
  assert.match(stdout, /^file_not_writable: .*EFBIG/, stderr)
  assert.equal(readFileSync(path, 'utf8'), 'id,name\n1,a\n')
})
