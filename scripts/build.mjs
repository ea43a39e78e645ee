// Builds dist/ from src/ and writes the JSON Schema that the package ships.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
chmodSync('dist/cli/main.js', 0o755)
mkdirSync('schema', { recursive: true })
const { jsonSchema } = await import('../dist/index.js')
writeFileSync('schema/v1.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`)
