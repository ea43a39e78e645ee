// npm run bench                      everything, into bench/RESULTS.md
// npm run bench -- --rows 200000     a quick pass, printed only
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { unchanged } from './unchanged.ts'
import { unsorted } from './unsorted.ts'

const { values } = parseArgs({ options: { rows: { type: 'string' }, runs: { type: 'string', default: '5' } } })
const rows = Number(values.rows ?? 1_000_000)
const runs = Number(values.runs)
if (!Number.isSafeInteger(rows) || rows < 1 || !Number.isSafeInteger(runs) || runs < 1) {
  console.error('usage: npm run bench -- [--rows N] [--runs N]')
  process.exit(64)
}
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
const sections = [await unchanged(rows, runs), await unsorted(rows, runs)]
const text = `# Results

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}. Ratios are taken within one run; absolute times are this machine's.

${sections.join('\n')}`
if (values.rows === undefined) writeFileSync('bench/RESULTS.md', text)
console.log(text)
