import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('docs/cli.md says what the commands say', () => {
  const script = join(import.meta.dirname, '../../scripts/cli-docs.mjs')
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, '--check'], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})
