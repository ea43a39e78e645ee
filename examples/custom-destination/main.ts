import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sync } from 'rowferry'
import { keyValueDestination } from './key-value-destination.ts'
import { startKeyValueService } from './key-value-service.ts'

// Run it with: npx tsx examples/custom-destination/main.ts

await using service = await startKeyValueService('people')
const state = await mkdtemp(join(tmpdir(), 'rowferry-example-'))

const report = await sync(
  {
    version: 1,
    state,
    connections: { service: { type: 'key-value', url: service.url, token: service.token } },
    syncs: {
      people: {
        source: { file: join(import.meta.dirname, 'people.csv') },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'service', object: 'people' },
      },
    },
  },
  {
    destinations: [keyValueDestination],
    onIssue: ({ key, code, message }) => console.log(`${key}: ${code}: ${message}`),
  },
)

console.log(`${report.status}: ${report.counts.inserted} inserted, ${report.counts.rejected} rejected`)
for (const { key, fields } of service.buckets.get('people')?.values() ?? []) console.log(key[0], fields['name'])
await rm(state, { recursive: true })
