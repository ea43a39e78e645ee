import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig, sync } from 'rowferry'

// Syncs people.csv into a table, with progress, and stops in good order at Ctrl-C.
// Run it with: npx tsx examples/library/sync-people.ts

const folder = await mkdtemp(join(tmpdir(), 'rowferry-example-'))

const config = defineConfig({
  version: 1,
  state: join(folder, 'state'),
  connections: { app: `sqlite:${folder}/app.db` },
  syncs: {
    people: {
      source: {
        file: join(import.meta.dirname, 'people.csv'),
        types: { id: 'integer', joined: 'date' },
        trust_eof: true,
      },
      key: 'id',
      mode: 'mirror',
      destination: { connection: 'app', table: 'people', create: true },
      fields: { id: 'id', name: 'name', plan: 'plan', joined: 'joined', synced_by: { value: 'example' } },
    },
  },
})

// The library installs no signal handlers and never ends the process: that is up to the program.
const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new Error('stopped by Ctrl-C')))

for (const attempt of ['first', 'second']) {
  const report = await sync(config, {
    signal: stop.signal,
    onProgress: ({ phase, counts }) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${phase}: ${counts.read} rows`)
    },
    onNote: (note) => console.log(`note: ${note}`),
    onIssue: ({ key, message }) => console.log(`row ${key}: ${message}`),
  })
  // Rows never make it throw, and neither do systems that are down: it is all in the report.
  console.log(`${attempt} run: ${report.status}`, report.error?.message ?? '')
  console.log(`  ${report.counts.inserted} inserted, ${report.counts.unchanged} unchanged`)
}

// A run that is cancelled finishes its batches in flight and says so.
const cancelled = await sync(config, { signal: AbortSignal.abort(new Error('changed my mind')) })
console.log(`third run: ${cancelled.status}`)

await rm(folder, { recursive: true })
