/** A piece of SQL that matters here. Blanks and comments are left out. */
export interface SqliteToken {
  /** `parameter` is `:name`, `other_parameter` is `?`, `?1`, `@name` or `$name`, `code` is everything else. */
  readonly kind: 'parameter' | 'other_parameter' | 'semicolon' | 'code'
  readonly start: number
  readonly end: number
}

const WORD = '[\\w$\\u0080-\\uffff]'

/** In this order. What is not closed goes to the end; SQLite says so. */
const PIECES: readonly (readonly [SqliteToken['kind'] | 'blank', RegExp])[] = [
  ['blank', /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y],
  ['code', /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$)/y],
  ['code', new RegExp(`(?![$])${WORD}+`, 'y')],
  ['parameter', new RegExp(`:${WORD}+`, 'y')],
  ['other_parameter', new RegExp(`\\?\\d*|[@$#]${WORD}+`, 'y')],
  ['semicolon', /;/y],
  ['code', /[\s\S]/y],
]

/** The tokens of a statement, by the rules of SQLite's tokenizer as far as they decide what is code. */
export function scanSqlite(sql: string): SqliteToken[] {
  const tokens: SqliteToken[] = []
  for (let at = 0; at < sql.length; ) {
    const start = at
    for (const [kind, pattern] of PIECES) {
      pattern.lastIndex = start
      if (!pattern.test(sql)) continue
      at = pattern.lastIndex
      if (kind !== 'blank') tokens.push({ kind, start, end: at })
      break
    }
  }
  return tokens
}
