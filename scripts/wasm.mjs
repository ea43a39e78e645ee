// Writes src/core/fingerprint-kernel.ts from fingerprint.wat, or, with --check, says whether it is up to date.
//   node scripts/wasm.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import wabt from 'wabt'

const SOURCE = join(import.meta.dirname, '../src/core/fingerprint.wat')
const TARGET = join(import.meta.dirname, '../src/core/fingerprint-kernel.ts')

const { parseWat } = await wabt()
const module = parseWat('fingerprint.wat', readFileSync(SOURCE, 'utf8'))
const { buffer } = module.toBinary({})
const lines = Buffer.from(buffer)
  .toString('base64')
  .match(/.{1,100}/g)
const text = `/** fingerprint.wat, compiled. Written by scripts/wasm.mjs. */
export const FINGERPRINT_KERNEL = [
${lines.map((line) => `  '${line}',`).join('\n')}
].join('')
`

if (!process.argv.includes('--check')) writeFileSync(TARGET, text)
else if (readFileSync(TARGET, 'utf8') !== text) {
  console.error('fingerprint-kernel.ts is not what fingerprint.wat says: write it again with `node scripts/wasm.mjs`')
  process.exitCode = 1
}
