import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { ModelRequest } from '../core/source.ts'
import { pointAt } from './postgres-position.ts'
import { scanSqlite } from './sqlite-sql-tokens.ts'
import { quote } from './sqlite-table.ts'

/** A model as one query, and what is bound to its parameters. */
export interface SqliteModel {
  /** The name, where the model is a whole table or view. */
  readonly table: string | undefined
  /** Ends in no semicolon; may end in a comment. */
  readonly sql: string
  /** By name, without the colon. Empty where the model has no parameters. */
  readonly parameters: Readonly<Record<string, string | number | bigint | null>>
}

/**
 * Reads a model's text. Throws FatalError of kind `configuration` for what can be told without the file: nothing in it,
 * several statements, parameters that do not match `params`.
 */
export function parseSqliteModel(request: ModelRequest): SqliteModel {
  const { table, params } = request
  const text = table === undefined ? (request.sql ?? '') : `SELECT * FROM ${quote(table)}`
  const tokens = scanSqlite(text)
  let end = text.length
  while (tokens.at(-1)?.kind === 'semicolon') end = tokens.pop()?.start ?? end
  if (tokens.length === 0) {
    throw configurationError('model_empty', 'the model has no statement: write a SELECT, or name a table')
  }
  const semicolon = tokens.find(({ kind }) => kind === 'semicolon')
  if (semicolon !== undefined) {
    throw configurationError(
      'model_not_one_query',
      `${pointAt(text, semicolon.start, 'the model has more than one statement')}\nkeep a single SELECT`,
    )
  }
  const values = new Map(Object.entries(params))
  const used = new Set<string>()
  for (const { kind, start, end: stop } of tokens) {
    const name = text.slice(start + 1, stop)
    if (kind === 'other_parameter') {
      throw configurationError(
        'param_unknown',
        `${pointAt(text, start, `the model uses ${text.slice(start, stop)}`)}\nwrite :name and give its value under params`,
      )
    }
    if (kind !== 'parameter') continue
    if (!values.has(name)) {
      const what = `the model uses :${name}, and params has no ${name}${suggestion(name, values.keys())}`
      throw configurationError('param_unknown', `${pointAt(text, start, what)}\nadd it under params`)
    }
    used.add(name)
  }
  for (const name of values.keys()) if (!used.has(name)) throw unusedParameter(name, used, table)
  return { table, sql: text.slice(0, end), parameters: Object.fromEntries([...values].map(bound)) }
}

/** Whole numbers are bound as integers: the driver would make floating-point numbers of them. */
function bound([name, value]: [string, string | number | boolean | null]): [string, string | number | bigint | null] {
  if (typeof value === 'boolean') return [name, value ? 1n : 0n]
  return [name, typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value]
}

function unusedParameter(name: string, used: Iterable<string>, table: string | undefined): Error {
  return configurationError(
    'param_unused',
    table === undefined
      ? `params has ${name}, and the model does not use :${name}${suggestion(name, used)}: use it or remove it`
      : `params has ${name}, and a whole table takes no parameters: write a query as sql, or remove params`,
  )
}
