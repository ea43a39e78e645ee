/** Characters of a line that are shown to each side of a position. */
const SHOWN = 60

/** `message`, the position as line:column, and the line itself with a caret below the character at `offset`. */
export function pointAt(text: string, offset: number, message: string): string {
  const before = text.slice(0, offset)
  const lineStart = Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1
  const line = before.split(/\r\n|\r|\n/).length
  const column = [...text.slice(lineStart, offset)].length + 1
  const rest = /^[^\r\n]*/.exec(text.slice(lineStart))?.[0] ?? ''
  const at = offset - lineStart
  const from = Math.max(0, at - SHOWN)
  const shown = rest.slice(from, at + SHOWN)
  // A tab stays a tab, so that the caret stands below the right character whatever its width.
  const indent = [...shown.slice(0, at - from)].map((character) => (character === '\t' ? '\t' : ' ')).join('')
  return `${message} (at ${line}:${column} of the model)\n  ${shown}\n  ${indent}^`
}

/** PostgreSQL counts characters from 1; this is the same place as an index of a JavaScript string. */
export function offsetOfCharacter(text: string, position: number): number {
  let offset = 0
  for (let character = 1; character < position && offset < text.length; character++) {
    offset += (text.codePointAt(offset) as number) > 0xffff ? 2 : 1
  }
  return offset
}
