// Connects two processes: what the one prints, the other syncs. A slow destination slows the producer.
// Run it where `rowferry` is on the PATH, as in a script of package.json: node sync.mjs
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const produce = join(import.meta.dirname, 'produce.mjs')
const producer = spawn(process.execPath, [produce, process.argv[2] ?? '3'], { stdio: ['ignore', 'pipe', 'inherit'] })
const rowferry = spawn('rowferry', ['run', 'people', '--json', '--quiet'], {
  stdio: [producer.stdout, 'pipe', 'inherit'],
})
// The pipe belongs to rowferry now: if it goes away, the producer has to notice.
producer.stdout.destroy()

let json = ''
rowferry.stdout.on('data', (chunk) => {
  json += chunk
})
const [[code]] = await Promise.all([once(rowferry, 'close'), once(producer, 'close')])
const { status, counts } = JSON.parse(json)
console.log(`${status}: ${counts.inserted} inserted, ${counts.deleted} deleted`)
process.exitCode = code
