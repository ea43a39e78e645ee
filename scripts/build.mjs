// Builds dist/ from src/ and writes the JSON Schema that the package ships.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
execFileSync(process.execPath, ['scripts/bundle-cli.mjs'], { stdio: 'inherit' })
mkdirSync('schema', { recursive: true })
const { jsonSchema } = await import('../dist/index.js')
writeFileSync('schema/v1.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`)
