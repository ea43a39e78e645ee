/** Text from elsewhere (a server's message, a value) made safe for a terminal: no control character gets through. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const hex = character.charCodeAt(0).toString(16)
    return hex.length > 2 ? `\\u${hex}` : `\\x${hex.padStart(2, '0')}`
  })
}

/** The same on one line, and not longer than `width` characters. */
export function oneLine(text: string, width = Number.POSITIVE_INFINITY): string {
  const line = printable(
    text
      .trim()
      .replace(/\s*[\r\n]+\s*/g, ' ')
      .replace(/\t/g, ' '),
  )
  if (line.length <= width) return line
  const characters = Array.from(line)
  return characters.length <= width ? line : `${characters.slice(0, width - 1).join('')}…`
}

/** `49655` as `49,655`. Not by Intl: making its first formatter takes 30 ms of every start. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `3 ms`, `0.5 s`, `41 s`, `3 min 12 s`, `1 h 4 min`. */
export function formatDuration(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
