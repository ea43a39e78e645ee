import pg from 'pg'
import { BatchRefusedError, FatalError, messageOf, RetryableError } from '../core/errors.ts'
import { stagedColumn } from './postgres-stage.ts'

/** What messages about a write say of it. */
export interface WriteContext {
  /** host:port/database */
  readonly at: string
  /** As the user wrote it. */
  readonly table: string
  readonly user: string
}

/** Serialization failures, deadlocks, lost and refused connections, shutdowns, cancelled statements, locks. */
const AGAIN = /^(08|40|25P0[34]|53300|55P03|57014|57P0[1235])/

/**
 * Something in the rows: values, constraints, a raised exception, a nesting or an index entry that is too large, two
 * lines for one record, a check option of a view.
 */
const ABOUT_ROWS = /^(21|22|23|27|38|39|42804|44|54|P0)/

/** Where the server raises what a function or a policy says of a row, whatever code it gives. */
const RAISED = ['exec_stmt_raise', 'exec_stmt_assert', 'ExecWithCheckOptions']

/** What the user must do, by SQLSTATE. */
const WHAT_TO_DO: readonly (readonly [RegExp, string, string])[] = [
  [/^25006/, 'read_only', 'connect to the primary server, or let the user write'],
  [/^42P01/, 'unknown_table', 'the table was dropped or renamed while the sync ran: run again'],
  [/^42703/, 'unknown_field', 'the table was changed while the sync ran: run again, and correct fields if it says so'],
  [/^42P10/, 'match_not_unique', 'the unique index on the match fields is gone: create it again'],
  [/^53100/, 'disk_full', 'the disk of the server is full: free some space'],
  [/^53/, 'server_out_of_resources', 'the server has run out of a resource: give it more, or set a smaller batch.size'],
  [/^3D|^57P04/, 'database_not_found', 'the database is gone: correct the connection'],
]

/** The error of ours for what a write threw. Errors of ours and the reason of a signal pass through. */
export function writeError(
  error: unknown,
  context: WriteContext,
  fields: readonly { readonly name: string }[],
  lines?: Uint8Array,
): unknown {
  if (!(error instanceof pg.DatabaseError)) return isNetworkError(error) ? lost(error, context) : error
  const code = error.code ?? ''
  const said = error.message
  if (mayTryAgain(error)) return new RetryableError(`${context.at}: ${said} (${code})`, { cause: error })
  if (ABOUT_ROWS.test(code) || RAISED.includes(error.routine ?? '')) {
    return new BatchRefusedError(code, refusal(error, fields, lines), { cause: error })
  }
  if (code === '42501') {
    return new FatalError(
      'permission_denied',
      `${context.at} refuses to write ${context.table}: ${said}: grant it to ${context.user}, or ask who may`,
      { cause: error },
    )
  }
  if (code === '42P01' && said.includes('rowferry_stage')) {
    return new FatalError(
      'pooled_connection',
      `${context.at} lost a temporary table between two transactions: a pooler in transaction mode is between, ` +
        'so connect to the server itself or to the session port of the pooler',
      { cause: error },
    )
  }
  const [, known, advice] = WHAT_TO_DO.find(([pattern]) => pattern.test(code)) ?? []
  return new FatalError(
    known ?? 'postgres_error',
    `${context.at} refused to write ${context.table} (${code}: ${said}): ` +
      (advice ?? 'look at the table and its triggers, and check it with `rowferry validate`'),
    { cause: error },
  )
}

/** Whether the same batch may land when it is sent again. */
export function mayTryAgain(error: pg.DatabaseError): boolean {
  return AGAIN.test(error.code ?? '')
}

/** Whether the connection is of no more use: all is well only where the server refused a statement and lives on. */
export function endsConnection(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || /^(08|57P)/.test(error.code ?? '')
}

function lost(error: unknown, context: WriteContext): RetryableError {
  return new RetryableError(`the connection to ${context.at} was lost (${messageOf(error)})`, { cause: error })
}

/** What Node's sockets and pg say when the other side is gone. All else that is not from the server is a bug. */
function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    typeof (error as NodeJS.ErrnoException).syscall === 'string' ||
    /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ERR_STREAM|ERR_SOCKET|ERR_SSL|ERR_TLS)/.test(
      (error as NodeJS.ErrnoException).code ?? '',
    ) ||
    /^Connection terminated|connection error and is not queryable|^Client was closed/.test(error.message)
  )
}

/** The server's words, with the column or constraint that they are about. */
function refusal(error: pg.DatabaseError, fields: readonly { readonly name: string }[], lines?: Uint8Array): string {
  const nul = error.code === '22021' ? nulField(lines) : undefined
  const holder = nul === undefined ? undefined : fields[nul]
  if (holder !== undefined) {
    return `column "${holder.name}" gets a text with the character U+0000, which Postgres keeps in none: take it out in the model`
  }
  const column = error.column ?? stagedColumn(error.where, fields)
  const parts = [
    ...(column === undefined || error.message.includes(`"${column}"`) ? [] : [`column "${column}"`]),
    ...(error.constraint === undefined || error.message.includes(error.constraint)
      ? []
      : [`constraint "${error.constraint}"`]),
  ]
  return parts.length === 0 ? error.message : `${parts.join(', ')}: ${error.message}`
}

/** Which field of its line holds a NUL; undefined where none does. */
function nulField(lines: Uint8Array | undefined): number | undefined {
  const at = lines?.indexOf(0) ?? -1
  if (lines === undefined || at < 0) return undefined
  const start = lines.lastIndexOf(10, at) + 1
  return lines.subarray(start, at).filter((byte) => byte === 9).length
}
