import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TemporaryFolder } from './temporary-folder.ts'

/** A temporary folder in memory where the system has such a place: for tests that commit thousands of times. */
export function memoryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(memory(), 'rowferry-test-'))
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

function memory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}
