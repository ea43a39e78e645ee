import pg from 'pg'
import { configurationError, FatalError, messageOf } from '../core/errors.ts'
import type { PostgresModel, RenderedModel } from './postgres-model.ts'
import { offsetOfCharacter, pointAt } from './postgres-position.ts'

/** What messages about a read say of it. */
export interface ReadContext {
  /** host:port/database */
  readonly at: string
  readonly user: string
  readonly model: PostgresModel
}

/** The query that failed: the model rendered, behind `prefix` characters. */
export interface SentQuery {
  readonly sql: string
  readonly rendered: RenderedModel
  readonly prefix: number
}

/** What the server says to a statement it parses or starts; all of it is about the model's text. */
const ABOUT_THE_MODEL = /^(0A|22|25006|34|3F|42|54)/

/**
 * Why the server refuses the model, as what the user must do, with the place in the model's text. Anything that is not
 * about the text goes to {@link readError}.
 */
export function modelError(error: unknown, context: ReadContext, sent: SentQuery): FatalError {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined || !ABOUT_THE_MODEL.test(error.code)) {
    return readError(error, context, 0)
  }
  const { model } = context
  switch (error.code) {
    case '42501':
      return permissionDenied(error, context)
    case '25006':
      return readError(error, context, 0)
    case '42P01':
    case '3F000':
      if (model.table !== undefined) {
        return configurationError(
          'model_table_missing',
          `${context.at} has no table ${model.table}: correct its name, and put double quotes around capital letters`,
          error,
        )
      }
      return refused('model_table_missing', 'correct the name, or name its schema', error, model, sent)
    case '42P18':
      return refused(
        'param_untyped',
        'say the type of the parameter, such as :name::date',
        error,
        model,
        sent,
        parameterName(error.message, model),
      )
  }
  if (error.code.startsWith('22')) {
    const name = parameterName(error.where ?? '', model)
    if (name !== undefined) {
      return configurationError(
        'param_invalid',
        `the value of :${name} does not fit (${error.message}): correct it under params`,
        error,
      )
    }
  }
  if (/multiple commands/.test(error.message)) {
    return configurationError(
      'model_not_one_query',
      'the model has more than one statement: keep a single SELECT',
      error,
    )
  }
  return refused('model_invalid', 'correct the model', error, model, sent)
}

function refused(
  code: string,
  todo: string,
  error: pg.DatabaseError,
  model: PostgresModel,
  sent: SentQuery,
  parameter?: string,
): FatalError {
  const what = `the server refuses the model: ${error.message}${parameter === undefined ? '' : ` (:${parameter})`}`
  const hint = error.hint === undefined ? '' : `\n${error.hint}`
  const offset = offsetOfCharacter(sent.sql, Number(error.position)) - sent.prefix
  const inModel = error.position !== undefined && offset >= 0 && offset <= sent.rendered.sql.length
  return configurationError(
    code,
    inModel
      ? `${pointAt(model.text, sent.rendered.sourceOffset(offset), what)}${hint}\n${todo}`
      : `${what}${hint === '' ? '' : ` (${hint.trim()})`}: ${todo}`,
    error,
  )
}

/** The parameter that a message of the server calls `$1`. */
function parameterName(text: string, model: PostgresModel): string | undefined {
  const number = /parameter \$(\d+)/.exec(text)?.[1]
  return number === undefined ? undefined : model.parameters[Number(number) - 1]?.name
}

/** The model is parsed by itself and good, but cannot be selected from: it is no query. */
export function notAQuery(cause?: unknown): FatalError {
  return configurationError(
    'model_not_a_query',
    'the model is not a query that only reads: write a single SELECT (or WITH … SELECT, VALUES, TABLE)',
    cause,
  )
}

/** Why reading stopped after `rows` rows, as what the user must do. */
export function readError(error: unknown, context: ReadContext, rows: number): FatalError {
  if (error instanceof FatalError) return error
  const after = rows === 0 ? '' : ` after ${rows} rows`
  const said = messageOf(error)
  if (!(error instanceof pg.DatabaseError) || /^(08|57P)/.test(error.code ?? '')) {
    return new FatalError(
      'connection_lost',
      `the connection to ${context.at} was lost${after} (${said}): run again; nothing is deleted on such a read`,
      { cause: error },
    )
  }
  switch (error.code) {
    case '42501':
      return permissionDenied(error, context)
    case '25006':
      return configurationError('model_writes', `the model changes data (${said}): a model may only read`, error)
    case '57014':
    case '40001':
      return new FatalError(
        'query_cancelled',
        /statement timeout/.test(said)
          ? `${context.at} ended the model's query${after} (${said}): make it faster, or raise the limit with ` +
              `ALTER ROLE ${context.user} SET statement_timeout`
          : `${context.at} ended the model's query${after} (${said}): run again`,
        { cause: error },
      )
  }
  return new FatalError(
    'model_failed',
    `the model's query failed${after} (${said}${error.code === undefined ? '' : `, SQLSTATE ${error.code}`}): ` +
      'correct the query or the data it meets',
    { cause: error },
  )
}

/** `permission denied for table contacts`, as the GRANT that is missing. */
function permissionDenied(error: pg.DatabaseError, { at, user, model }: ReadContext): FatalError {
  const [, kind = '', name = ''] = /permission denied for ((?:[a-z]+ )*[a-z]+) (\S.*)$/.exec(error.message) ?? []
  const role = /^[a-z_][a-z0-9_$]*$/.test(user) ? user : `"${user.replaceAll('"', '""')}"`
  let grant = `GRANT SELECT ON … TO ${role}`
  if (kind === 'schema') grant = `GRANT USAGE ON SCHEMA ${name} TO ${role}`
  else if (kind === 'function') grant = `GRANT EXECUTE ON FUNCTION ${name} TO ${role}`
  else if (name !== '') grant = `GRANT SELECT ON ${qualified(name, model)} TO ${role}`
  return new FatalError('permission_denied', `${at} refuses the model: ${error.message}: run ${grant}`, {
    kind: 'configuration',
    cause: error,
  })
}

/** The name as the model writes it, with its schema: the server's message leaves the schema out. */
function qualified(name: string, model: PostgresModel): string {
  if (model.table !== undefined) return model.table
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const found = new RegExp(`(?:\\w+|"[^"]+")\\.(?:${literal}\\b|"${literal}")`, 'i').exec(model.text)
  return found?.[0] ?? name
}
