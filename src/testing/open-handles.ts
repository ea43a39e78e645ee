import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds that the system may take to close what was let go of. */
const GRACE_MS = 1_000

/** What this process holds open: files, sockets, pipes. Empty where the system does not tell (elsewhere than Linux). */
export function openHandles(): readonly string[] {
  try {
    return readdirSync('/proc/self/fd').flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/self/fd/${descriptor}`)]
      } catch {
        // The one that the listing itself had open.
        return []
      }
    })
  } catch {
    return []
  }
}

/** Fails where more is open than before, also after a second. */
export async function assertNothingLeftOpen(before: readonly string[]): Promise<void> {
  const limit = performance.now() + GRACE_MS
  for (;;) {
    const left = added(before, openHandles())
    if (left.length === 0) return
    if (performance.now() > limit) assert.fail(`left open: ${left.join(', ')}`)
    await delay(10)
  }
}

/** `after` without what was there before; several of one name are told apart by their number. */
function added(before: readonly string[], after: readonly string[]): string[] {
  const known = new Map<string, number>()
  for (const name of before) known.set(name, (known.get(name) ?? 0) + 1)
  return after.filter((name) => {
    const count = known.get(name) ?? 0
    known.set(name, count - 1)
    return count <= 0
  })
}
