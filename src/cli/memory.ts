import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Imported before anything else, for what it does: the memory of a run stays small. The buffers of batches live outside
 * V8's heap and are given back only when the collector finds their handles, which V8 lets run by its own size and not by
 * theirs. So the young generation stays at the megabyte it starts with, where it would double again and again, and it is
 * collected whenever a megabyte of buffers has come. Buffers that a batch holds while it waits for the destination are old
 * by then: when many of those have gathered, everything is collected. What becomes old within the heap (links of records,
 * outcomes) is collected when it has grown by a third, where V8 would let a small heap grow fourfold. A library must not do
 * any of this to its host; this is the command line, which is the host. docs/decisions/0008 has the numbers.
 *
 * Node 20 ignores the flags on its own command line: they have to be set from within.
 */
setFlagsFromString('--semi-space-growth-factor=1')
setFlagsFromString('--heap-growing-percent=30')
setFlagsFromString('--expose-gc')

const LOOK_EVERY_MS = 20
const GROWTH_BYTES = 1024 * 1024
/** What small collections may leave behind until there is a large one, which takes 10 to 20 ms. */
const KEPT_BYTES = 6 * 1024 * 1024

let collect: ((options?: { readonly type: 'minor' }) => void) | undefined
let before = external()
/** The least that was there after a collection, since the last large one. */
let least = Number.POSITIVE_INFINITY

setInterval(() => {
  const now = external()
  // What was given back meanwhile lets it grow again.
  if (now < before) before = now
  if (now - before < GROWTH_BYTES) return
  collect ??= runInNewContext('gc') as typeof collect
  collect?.({ type: 'minor' })
  before = external()
  if (before < least) least = before
  if (before - least < KEPT_BYTES) return
  collect?.()
  before = external()
  least = before
}, LOOK_EVERY_MS).unref()

function external(): number {
  return getHeapStatistics().external_memory
}
