import type { SeededRandom } from './simulator-random.ts'

/** Draws how many milliseconds a request takes. */
export type LatencyDraw = () => number

/** A log-normal distribution with this median and this 99th percentile: most requests are quick, a few are slow. */
export function latencyDraw(
  latency: { readonly p50: number; readonly p99: number } | undefined,
  random: SeededRandom,
): LatencyDraw {
  if (latency === undefined) return () => 0
  // 99 % of a normal distribution lie below 2.326 standard deviations above its mean.
  const sigma = Math.log(latency.p99 / latency.p50) / 2.326
  return () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()))
    return latency.p50 * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random.next()))
  }
}
