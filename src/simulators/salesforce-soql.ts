import { RestError } from './salesforce-errors.ts'

/**
 * The part of SOQL that is understood:
 * `SELECT f, Parent.f | COUNT() FROM Object [WHERE …] [ORDER BY f [ASC|DESC], …] [LIMIT n] [OFFSET n]`, where a condition is
 * `f = | != | < | <= | > | >= value`, `f [NOT] IN (…)`, `f LIKE 'a%'`, joined by AND, OR, NOT and parentheses.
 */
export interface SoqlQuery {
  /** Undefined: COUNT(). */
  readonly fields: readonly string[] | undefined
  readonly object: string
  readonly where: Condition | undefined
  readonly orderBy: readonly { readonly field: string; readonly descending: boolean }[]
  readonly limit: number
  readonly offset: number
}

export type SoqlValue = string | number | boolean | null

export type Condition =
  | { readonly kind: 'compare'; readonly field: string; readonly operator: string; readonly value: SoqlValue }
  | { readonly kind: 'in'; readonly field: string; readonly not: boolean; readonly values: readonly SoqlValue[] }
  | { readonly kind: 'and'; readonly parts: readonly Condition[] }
  | { readonly kind: 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }

const TOKEN =
  /\s*(?:('(?:[^'\\]|\\.)*')|(\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d))?|[+-]?\d+(?:\.\d+)?)|([A-Za-z_][\w.]*)|(<=|>=|!=|<>|[=<>(),]))/y

interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'sign'
  readonly text: string
}

export function parseSoql(soql: string): SoqlQuery {
  const tokens = tokensOf(soql)
  let at = 0
  const peek = () => tokens[at]?.text.toUpperCase()
  const word = (): string => {
    const token = tokens[at++]
    if (token?.kind !== 'word')
      throw malformed(token === undefined ? 'unexpected token: <EOF>' : `unexpected token: ${token.text}`)
    return token.text
  }
  const take = (text: string) => peek() === text && ++at > 0
  const expect = (text: string) => {
    if (!take(text)) throw malformed(`expecting ${text}, found '${tokens[at]?.text ?? '<EOF>'}'`)
  }
  const list = <T>(item: () => T): T[] => {
    const items = [item()]
    while (take(',')) items.push(item())
    return items
  }
  const value = (): SoqlValue => {
    const token = tokens[at++]
    if (token?.kind === 'text') return unescaped(token.text.slice(1, -1))
    if (token?.kind === 'number') return /^\d{4}-/.test(token.text) ? token.text : Number(token.text)
    const known = { TRUE: true, FALSE: false, NULL: null }[token?.text.toUpperCase() ?? '']
    if (known === undefined) throw malformed(`unexpected token: '${token?.text ?? '<EOF>'}'`)
    return known
  }
  const condition = (): Condition => {
    if (take('NOT')) return { kind: 'not', part: condition() }
    if (take('(')) {
      const inner = joined()
      expect(')')
      return inner
    }
    const field = word()
    const not = take('NOT')
    if (take('IN')) {
      expect('(')
      const values = list(value)
      expect(')')
      return { kind: 'in', field, not, values }
    }
    const operator = tokens[at++]?.text.toUpperCase() ?? '<EOF>'
    if (not || !['=', '!=', '<>', '<', '<=', '>', '>=', 'LIKE'].includes(operator)) {
      throw malformed(`unexpected token: '${operator}'`)
    }
    return { kind: 'compare', field, operator: operator === '<>' ? '!=' : operator, value: value() }
  }
  const joined = (): Condition => {
    const parts = [condition()]
    const joiner = peek()
    if (joiner !== 'AND' && joiner !== 'OR') return parts[0] as Condition
    while (take(joiner)) parts.push(condition())
    if (peek() === 'AND' || peek() === 'OR') throw malformed('AND and OR need parentheses between them')
    return { kind: joiner === 'AND' ? 'and' : 'or', parts }
  }
  const count = (keyword: string, otherwise: number): number => {
    if (!take(keyword)) return otherwise
    const token = tokens[at++]
    if (token?.kind !== 'number') throw malformed(`unexpected token: ${token?.text ?? '<EOF>'}`)
    return Number(token.text)
  }

  expect('SELECT')
  let fields: string[] | undefined
  if (peek() === 'COUNT' && tokens[at + 1]?.text === '(') {
    at += 2
    expect(')')
  } else fields = list(word)
  expect('FROM')
  const object = word()
  const where = take('WHERE') ? joined() : undefined
  const orderBy: { field: string; descending: boolean }[] = []
  if (take('ORDER')) {
    expect('BY')
    orderBy.push(
      ...list(() => {
        const field = word()
        const descending = take('DESC')
        if (!descending) take('ASC')
        if (take('NULLS') && !take('FIRST')) expect('LAST')
        return { field, descending }
      }),
    )
  }
  const limit = count('LIMIT', Number.POSITIVE_INFINITY)
  const offset = count('OFFSET', 0)
  if (at < tokens.length) throw malformed(`unexpected token: '${tokens[at]?.text}'`)
  return { fields, object, where, orderBy, limit, offset }
}

function tokensOf(soql: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  let end = 0
  for (let match = TOKEN.exec(soql); match !== null; match = TOKEN.exec(soql)) {
    const [, text, number, word, sign] = match
    end = TOKEN.lastIndex
    if (text !== undefined) tokens.push({ kind: 'text', text })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else tokens.push({ kind: 'sign', text: sign as string })
  }
  const rest = soql.slice(end).trim()
  if (rest !== '') throw malformed(`line 1:${end} no viable alternative at character '${rest[0]}'`)
  return tokens
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (_, character: string) => ESCAPES[character.toLowerCase()] ?? character)
}

function malformed(message: string): RestError {
  return new RestError(400, 'MALFORMED_QUERY', message)
}
