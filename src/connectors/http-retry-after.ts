/** Numbers above it are seconds since 1970 and not seconds to wait: nobody asks to wait for thirty years. */
const SHORTEST_EPOCH = 1_000_000_000

/**
 * Milliseconds that an answer asks to wait, by the first of these headers that says so: seconds, a date, or the second since
 * 1970 (in milliseconds, if it is that large) at which a limit begins anew. Many services say that with every answer: a
 * server that failed (5xx) does not ask to wait for it.
 */
export function askedToWaitMs(
  { status, headers }: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
  names: readonly string[],
  now: number,
): number | undefined {
  for (const name of names) {
    if (status >= 500 && /reset$/i.test(name)) continue
    const value = headers[name.toLowerCase()]?.trim()
    if (value === undefined || value === '') continue
    const wait = waitOf(value, now)
    if (wait !== undefined) return Math.max(0, wait)
  }
  return undefined
}

function waitOf(value: string, now: number): number | undefined {
  if (/^\d+(\.\d+)?$/.test(value)) {
    const number = Number(value)
    if (number < SHORTEST_EPOCH) return Math.ceil(number * 1000)
    return Math.ceil(number < SHORTEST_EPOCH * 1000 ? number * 1000 : number) - now
  }
  // Only what begins like a date: Date.parse would make a year of almost any number.
  const time = /^([A-Z][a-z]{2,8},? |\d{4}-\d\d-\d\dT)/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? undefined : time - now
}
