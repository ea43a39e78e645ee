/**
 * Milliseconds that the header `retry-after` asks to wait, from seconds or an HTTP date (RFC 9110, 10.2.3); undefined
 * where there is none that can be read.
 */
export function retryAfterMs(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const value = headers['retry-after']?.trim()
  if (value === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000)
  // Only dates: Date.parse would make a year of almost any number.
  const time = /^[A-Z][a-z]{2,8},? /.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? undefined : Math.max(time - now, 0)
}
