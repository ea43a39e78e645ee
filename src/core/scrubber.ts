const MASK = '***'

/** Shorter values are parts of ordinary words: hiding them would garble every line and protect nothing. */
const SHORTEST = 4

/** Takes secrets out of what is printed, by value: wherever they turn up, whoever put them there. */
export interface Scrubber {
  text(text: string): string
  /** A copy of a JSON value with every string in it scrubbed; names of fields stay. */
  value(value: unknown): unknown
}

/**
 * Secrets are found as they are, percent-encoded in part or in whole, escaped as in a string of JSON, SQL or JavaScript,
 * and as base64 of their own.
 */
export function scrubber(secrets: Iterable<string>): Scrubber {
  // Longest first: a secret may be the beginning of another.
  const values = [...new Set(secrets)].filter((secret) => secret.length >= SHORTEST).sort((a, b) => b.length - a.length)
  if (values.length === 0) return { text: (text) => text, value: (value) => value }
  const pattern = new RegExp(values.flatMap((secret) => [patternOf(secret), ...base64Of(secret)]).join('|'), 'gu')
  const text = (from: string) => from.replace(pattern, MASK)
  const scrub = (from: unknown): unknown => {
    if (typeof from === 'string') return text(from)
    if (Array.isArray(from)) return from.map(scrub)
    if (typeof from !== 'object' || from === null) return from
    return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, scrub(value)]))
  }
  return { text, value: scrub }
}

/** Every character that some encoding writes in another way may appear in any of its ways. */
function patternOf(secret: string): string {
  return Array.from(secret, (character) => {
    if (/[A-Za-z0-9]/.test(character)) return character
    const ways = new Set([character, JSON.stringify(character).slice(1, -1)].map(escaped))
    const percent = [...new TextEncoder().encode(character)].map((byte) => `%${hexOfEitherCase(byte)}`).join('')
    if (character === ' ') ways.add('\\+')
    if (character === "'" || character === '"') ways.add(character + character).add(`\\\\${character}`)
    // Longest first: an escaped backslash is not a backslash and a rest.
    return `(?:${[...ways, percent].sort((a, b) => b.length - a.length).join('|')})`
  }).join('')
}

/** Of a short one too few characters are left to tell it from any word. */
function base64Of(secret: string): string[] {
  if (secret.length < 8) return []
  const bytes = Buffer.from(secret)
  return [...new Set([bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')])].map(escaped)
}

function hexOfEitherCase(byte: number): string {
  return byte
    .toString(16)
    .padStart(2, '0')
    .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
