import type { Document } from 'yaml'

/** No configuration has more references that lack their quotes; whoever has is told of the rest the next time. */
const MOST_REFERENCES = 50

export interface ParsedAround<Parsed> {
  readonly document: Parsed
  /** Where each unquoted reference begins and ends. */
  readonly references: readonly (readonly [start: number, end: number])[]
}

/**
 * Parses a text, and where it breaks at `{ table: ${TABLE} }` (a brace within braces opens a map, and from there on
 * nothing is what it seems) parses it as if the reference were a word of the same length. So a slip is one error, and
 * what else is wrong is told as well.
 */
export function parseAroundReferences<Parsed extends Document.Parsed>(
  text: string,
  parse: (text: string) => Parsed,
): ParsedAround<Parsed> {
  const references: [number, number][] = []
  let readable = text
  for (;;) {
    const document = parse(readable)
    const first = Math.min(...document.errors.map(({ pos }) => pos[0]))
    const start = first - 1
    if (!readable.startsWith('${', start) || references.length === MOST_REFERENCES) return { document, references }
    const end = endOf(readable, start)
    references.push([start, end])
    readable = readable.slice(0, start) + 'x'.repeat(end - start) + readable.slice(end)
  }
}

/** Behind the brace that closes a reference, which may hold others; where none does, behind the one that opens it. */
function endOf(text: string, start: number): number {
  let depth = 0
  for (let at = start + 1; at < text.length && text[at] !== '\n'; at++) {
    if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return at + 1
  }
  return start + 2
}
