import type { Progress } from '../index.ts'
import type { Output } from './output.ts'
import { formatCount, oneLine } from './printable.ts'

/** Often enough to look alive. */
const REPAINT_MS = 120
/** Where nobody watches: enough to tell a long run from a stuck one. */
const LOG_MS = 10_000

/** `contacts  reading  1,234,567 rows · 812,345 rows/s · 4 batches in flight · 120 inserted · 300 updated`. */
export function formatProgress({ sync, phase, counts, rowsPerSecond, inFlight, requests }: Progress): string {
  const parts: string[] = []
  const add = (count: number, words: string) => {
    if (count > 0) parts.push(`${formatCount(count)} ${words}`)
  }
  add(counts.read, 'rows')
  add(Math.round(rowsPerSecond), 'rows/s')
  add(inFlight, inFlight === 1 ? 'batch in flight' : 'batches in flight')
  add(counts.inserted, 'inserted')
  add(counts.updated, 'updated')
  add(counts.deleted, 'deleted')
  add(counts.invalid, 'invalid')
  add(counts.rejected + counts.delete_rejected, 'rejected')
  add(requests.retried, 'retried')
  if (requests.throttled_ms >= 1000) parts.push(`${Math.round(requests.throttled_ms / 1000)} s waited for rate limits`)
  return [sync, phase, parts.join(' · ')].join('  ').trimEnd()
}

/** Shows how one sync gets on while `work` is under way: a repainted line where somebody watches, else a line every 10 s. */
export async function withProgress<Result>(
  output: Output,
  work: (onProgress: (progress: Progress) => void) => Promise<Result>,
): Promise<Result> {
  let latest: Progress | undefined
  const show = () => {
    if (latest === undefined) return
    // A line that wraps could not be repainted.
    if (output.live) output.status(oneLine(formatProgress(latest), output.width - 1))
    else output.logger.info(output.logFormat === 'json' ? { progress: latest } : {}, formatProgress(latest))
  }
  const timer = setInterval(show, output.live ? REPAINT_MS : LOG_MS)
  try {
    return await work((progress) => {
      latest = progress
    })
  } finally {
    clearInterval(timer)
    output.status(undefined)
  }
}
