import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The files of a state folder, by name. */
export type Snapshot = ReadonlyMap<string, Buffer>

/** What kill -9 would leave at this moment. */
export function snapshotOf(folder: string): Snapshot {
  return new Map(filesOf(folder).map((name) => [name, readFileSync(join(folder, name))]))
}

/** Puts the files there, and nothing else. The folder has to be closed. */
export function restore(folder: string, snapshot: Snapshot): void {
  mkdirSync(folder, { recursive: true })
  for (const name of filesOf(folder)) if (!snapshot.has(name)) rmSync(join(folder, name))
  for (const [name, bytes] of snapshot) writeFileSync(join(folder, name), bytes, { mode: 0o600 })
}

/** Length of each write-ahead log. */
export function logLengths(folder: string): ReadonlyMap<string, number> {
  const logs = filesOf(folder).filter((name) => name.endsWith('-wal'))
  return new Map(logs.map((name) => [name, statSync(join(folder, name)).size]))
}

/** Without the last part of what was written to the logs since they were that long: power failed on the way. */
export function torn(snapshot: Snapshot, before: ReadonlyMap<string, number>): Snapshot {
  return new Map(
    [...snapshot].map(([name, bytes]) => {
      const from = before.get(name) ?? 0
      if (!name.endsWith('-wal') || bytes.length <= from) return [name, bytes]
      return [name, bytes.subarray(0, from + Math.floor((bytes.length - from) / 2))]
    }),
  )
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
