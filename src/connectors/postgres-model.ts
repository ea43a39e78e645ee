import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { ModelRequest } from '../core/source.ts'
import { parseQualifiedName, quoteIdentifier } from './postgres-identifiers.ts'
import { pointAt } from './postgres-position.ts'
import { type SqlToken, scanSql } from './postgres-sql-tokens.ts'

/** A model as one query, with its parameters still open. */
export interface PostgresModel {
  /** As the user wrote it, for messages. */
  readonly text: string
  /** Quoted name, where the model is a whole table. */
  readonly table: string | undefined
  /** In the order of their first use: parameter 1 is `parameters[0]`. */
  readonly parameters: readonly ModelParameter[]
  /** The query with `parameter(index)` in place of each `:name`; it ends in no semicolon. */
  render(parameter: (index: number) => string): RenderedModel
}

export interface ModelParameter {
  readonly name: string
  /** The value's text form; the server reads it as the type it expects there. */
  readonly value: string | null
}

export interface RenderedModel {
  readonly sql: string
  /** The position in the model's text that a position in `sql` comes from. */
  sourceOffset(offset: number): number
}

/** Parameters as `$1`, `$2`: for queries that are sent with values. */
export const bound = (index: number): string => `$${index + 1}`

/**
 * The model as a table to select from, and how many characters stand before it. On lines of its own, because it may
 * end in a `--` comment.
 */
export function fromModel(before: string, model: RenderedModel): { readonly sql: string; readonly prefix: number } {
  const head = `${before} FROM (\n`
  return { sql: `${head}${model.sql}\n) AS model`, prefix: head.length }
}

/**
 * Reads a model's text: replaces names of parameters, takes off a last semicolon. Throws FatalError of kind
 * `configuration` for what can be told without a server: nothing in it, several statements, parameters that do not
 * match `params`.
 */
export function parseModel(request: ModelRequest): PostgresModel {
  const table =
    request.table === undefined ? undefined : parseQualifiedName(request.table).map(quoteIdentifier).join('.')
  const text = table === undefined ? (request.sql ?? '') : `SELECT * FROM ${table}`
  const tokens = scanSql(text)
  const replacements: Replacement[] = []
  while (tokens.at(-1)?.kind === 'semicolon') {
    const { start, end } = tokens.pop() as SqlToken
    replacements.unshift({ start, end, index: undefined })
  }
  refuse(text, tokens)

  const names = new Map<string, number>()
  const values = new Map(Object.entries(request.params))
  const uses: Replacement[] = []
  for (const { kind, start, end } of tokens) {
    if (kind !== 'parameter') continue
    const name = text.slice(start + 1, end)
    if (!values.has(name)) throw unknownParameter(name, text, start, [...values.keys()])
    const index = names.get(name) ?? names.size
    names.set(name, index)
    uses.push({ start, end, index })
  }
  for (const name of values.keys()) if (!names.has(name)) throw unusedParameter(name, names.keys(), table)

  replacements.unshift(...uses)
  return {
    text,
    table,
    parameters: [...names.keys()].map((name) => {
      const value = values.get(name) ?? null
      return { name, value: value === null ? null : String(value) }
    }),
    render: (parameter) => render(text, replacements, parameter),
  }
}

/** A piece of the model's text that is sent as something else: parameter `index`, or nothing (a last semicolon). */
interface Replacement {
  readonly start: number
  readonly end: number
  readonly index: number | undefined
}

function render(
  text: string,
  replacements: readonly Replacement[],
  parameter: (index: number) => string,
): RenderedModel {
  let sql = ''
  let from = 0
  /** Where each piece starts: in the rendered text, and in the source. */
  const pieces: { readonly rendered: number; readonly source: number; readonly replaced: boolean }[] = []
  const put = (piece: string, source: number, replaced: boolean) => {
    pieces.push({ rendered: sql.length, source, replaced })
    sql += piece
  }
  for (const { start, end, index } of replacements) {
    put(text.slice(from, start), from, false)
    put(index === undefined ? ' ' : parameter(index), start, true)
    from = end
  }
  put(text.slice(from), from, false)
  return {
    sql,
    sourceOffset(offset) {
      const piece = pieces.findLast((candidate) => candidate.rendered <= offset)
      if (piece === undefined) return 0
      return piece.source + (piece.replaced ? 0 : offset - piece.rendered)
    },
  }
}

function refuse(text: string, tokens: readonly SqlToken[]): void {
  if (tokens.length === 0) {
    throw configurationError('model_empty', 'the model has no statement: write a SELECT, or name a table')
  }
  const semicolon = tokens.find((token) => token.kind === 'semicolon')
  if (semicolon !== undefined) {
    throw configurationError(
      'model_not_one_query',
      `${pointAt(text, semicolon.start, 'the model has more than one statement')}\nkeep a single SELECT`,
    )
  }
  const positional = tokens.find((token) => token.kind === 'positional')
  if (positional !== undefined) {
    const name = text.slice(positional.start, positional.end)
    throw configurationError(
      'param_unknown',
      `${pointAt(text, positional.start, `the model uses ${name}`)}\nwrite :name and give its value under params`,
    )
  }
}

function unknownParameter(name: string, text: string, at: number, known: readonly string[]): Error {
  return configurationError(
    'param_unknown',
    `${pointAt(text, at, `the model uses :${name}, and params has no ${name}${suggestion(name, known)}`)}\n` +
      `add it under params, or put a blank behind the colon if it is the upper bound of a slice`,
  )
}

function unusedParameter(name: string, used: Iterable<string>, table: string | undefined): Error {
  return configurationError(
    'param_unused',
    table === undefined
      ? `params has ${name}, and the model does not use :${name}${suggestion(name, used)}: use it or remove it`
      : `params has ${name}, and a whole table takes no parameters: write a query as sql, or remove params`,
  )
}
