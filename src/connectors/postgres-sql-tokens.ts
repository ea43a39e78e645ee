/** A piece of SQL that matters here. Blanks and comments are left out. */
export interface SqlToken {
  /** `parameter` is `:name`, `positional` is `$1`, `code` is everything else. */
  readonly kind: 'parameter' | 'positional' | 'semicolon' | 'code'
  readonly start: number
  readonly end: number
}

const LETTER = 'A-Za-z_\\u0080-\\uffff'
const BLANK = /\s+|--[^\r\n]*/y
const WORD = new RegExp(`[${LETTER}][\\w$\\u0080-\\uffff]*|\\d[\\w.]*`, 'y')
const DOLLAR_QUOTED = new RegExp(
  `\\$(?<tag>(?:[${LETTER}][\\w\\u0080-\\uffff]*)?)\\$[\\s\\S]*?(?:\\$\\k<tag>\\$|$)`,
  'y',
)
const QUOTED = /'(?:[^']+|'')*(?:'|$)|"(?:[^"]+|"")*(?:"|$)/y
const ESCAPED = /'(?:[^'\\]+|\\[\s\S]|'')*(?:'|$)/y
/** Strings apart by a line end are one string, and go on by the rules of the first. */
const CONTINUED = /[ \t\f\v]*(?:--[^\r\n]*)?[\r\n](?:\s|--[^\r\n]*[\r\n])*(?=')/y
/** In this order: a cast is not a parameter, and neither is an assignment. */
const CAST = /::|:=/y
const PARAMETER = new RegExp(`:[${LETTER}][\\w\\u0080-\\uffff]*`, 'y')
const POSITIONAL = /\$\d+/y

/**
 * The tokens of a statement, by the rules of PostgreSQL's scanner as far as they decide what is code: strings,
 * escape strings, quoted names, dollar quotes, comments (nested ones too). What is not closed goes to the end; the
 * server says so.
 */
export function scanSql(sql: string): SqlToken[] {
  const tokens: SqlToken[] = []
  const behind = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at
    return pattern.test(sql) ? pattern.lastIndex : at
  }
  for (let at = 0; at < sql.length; ) {
    const blank = sql.startsWith('/*', at) ? behindComment(sql, at) : behind(BLANK, at)
    if (blank > at) {
      at = blank
      continue
    }
    const start = at
    let kind: SqlToken['kind'] = 'code'
    const word = behind(WORD, at)
    if (word > at) {
      at = word
      if (sql[at] === "'" && /^e$/i.test(sql.slice(start, at))) at = behindEscaped(at, behind)
    } else if (behind(CAST, at) > at) at += 2
    else if (behind(PARAMETER, at) > at) {
      kind = 'parameter'
      at = behind(PARAMETER, at)
    } else if (behind(POSITIONAL, at) > at) {
      kind = 'positional'
      at = behind(POSITIONAL, at)
    } else {
      if (sql[at] === ';') kind = 'semicolon'
      at = Math.max(behind(QUOTED, at), behind(DOLLAR_QUOTED, at), at + 1)
    }
    tokens.push({ kind, start, end: at })
  }
  return tokens
}

function behindComment(sql: string, start: number): number {
  let at = start + 2
  for (let depth = 1; depth > 0; ) {
    const open = sql.indexOf('/*', at)
    const close = sql.indexOf('*/', at)
    if (close < 0) return sql.length
    const opens = open >= 0 && open < close
    depth += opens ? 1 : -1
    at = (opens ? open : close) + 2
  }
  return at
}

function behindEscaped(start: number, behind: (pattern: RegExp, at: number) => number): number {
  for (let at = start; ; ) {
    const end = behind(ESCAPED, at)
    at = behind(CONTINUED, end)
    if (at === end) return end
  }
}
