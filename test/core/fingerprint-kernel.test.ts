import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

test('the kernel that is shipped is what its source says', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/wasm.mjs', '--check'], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})
