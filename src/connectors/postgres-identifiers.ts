import { configurationError } from '../core/errors.ts'

/**
 * The one place where names and values become SQL text. Names come from configuration files and from the database,
 * values from `params`: neither is trusted.
 */

/** Bytes of UTF-8 that the server keeps of a name. It cuts what is longer, without an error, and so makes another name. */
const MOST_NAME_BYTES = 63

/**
 * A name as SQL, always in quotes: `id` becomes `"id"`. Throws FatalError for a NUL, which no name may hold, and for a
 * name that the server would cut.
 */
export function quoteIdentifier(name: string): string {
  refuseNul(name)
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) {
    throw configurationError(
      'name_too_long',
      `"${name.slice(0, 100)}" is longer than the ${MOST_NAME_BYTES} bytes that Postgres keeps of a name: shorten it, or ` +
        'map the column to a shorter name with fields',
    )
  }
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * A text as SQL. Correct whatever standard_conforming_strings says: a backslash makes it an E'' string. Throws
 * FatalError for a NUL, which no text may hold.
 */
export function quoteLiteral(text: string): string {
  refuseNul(text)
  const quoted = `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${quoted}` : quoted
}

/** The parts of a table's name as a user writes it: `marts.contacts`, `"Marts"."Contacts"`. Unquoted parts are folded. */
export function parseQualifiedName(text: string): string[] {
  const parts: string[] = []
  const part = /\s*(?:"((?:[^"\0]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))\s*(\.|$)/y
  for (let at = 0; ; at = part.lastIndex) {
    part.lastIndex = at
    const match = part.exec(text)
    if (match === null) break
    parts.push(match[1]?.replaceAll('""', '"') ?? (match[2] as string).replace(/[A-Z]+/g, (word) => word.toLowerCase()))
    if (match[3] === '' && parts.length <= 3) return parts
  }
  throw configurationError(
    'table_name_invalid',
    `"${text}" is not the name of a table: write schema.table, and put a part with other characters than letters, ` +
      'digits and _ in double quotes',
  )
}

function refuseNul(text: string): void {
  if (!text.includes('\0')) return
  throw configurationError('nul_character', 'Postgres knows no NUL character in texts and names: remove it')
}
