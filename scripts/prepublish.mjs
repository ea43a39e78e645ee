// Runs before `npm publish`: no version goes out without an entry in CHANGELOG.md, nor without a fresh build.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const changelog = existsSync('CHANGELOG.md') ? readFileSync('CHANGELOG.md', 'utf8') : ''
// `## 0.1.0`, `## [0.1.0] - 2026-11-22`, `## v0.1.0 (22 November 2026)`
const versions = [...changelog.matchAll(/^## +\[?v?(\d+\.\d+\.\d+[^\s\])]*)/gm)].map(([, entry]) => entry)
if (!versions.includes(version)) {
  console.error(`CHANGELOG.md has no entry for ${version}: write one that begins with "## ${version}"`)
  process.exit(1)
}
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
