import * as z from 'zod'
import { BatchRefusedError, FatalError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import { jsonRecord } from './salesforce-json-rows.ts'
import { failAll, type PendingRow, signalOf } from './salesforce-pending.ts'
import { refusedOutcome, rowError } from './salesforce-row-errors.ts'
import type { Cells, RowForm } from './salesforce-rows.ts'
import { readAs, type SalesforceSession } from './salesforce-session.ts'

/** Most records of one call [D: sObject Collections]. */
export const COLLECTION_ROWS = 200

/** A row as it is sent. */
export interface CollectionRow {
  readonly row: PendingRow
  readonly id: string | undefined
  readonly cells: Cells
}

const results = z.array(
  z.object({
    id: z.string().nullish(),
    success: z.boolean(),
    created: z.boolean().optional(),
    errors: z
      .array(
        z.object({
          statusCode: z.string(),
          message: z.string().nullish(),
          fields: z.array(z.string()).nullish(),
        }),
      )
      .default([]),
  }),
)

/** Sends rows of one form by sObject Collections, and answers them; where that fails, gives up their batches. */
export async function sendCollection(
  session: SalesforceSession,
  form: RowForm,
  rows: readonly CollectionRow[],
): Promise<void> {
  try {
    const outcomes = await exchange(session, form, rows)
    for (const [index, { row }] of rows.entries()) row.write.answer(row.index, outcomes[index] as Outcome)
  } catch (error) {
    if (error instanceof BatchRefusedError && rows.length > 1) {
      // A call that is malformed is refused whole, for one row of it: of the halves, one is well-formed.
      const middle = rows.length >>> 1
      await sendCollection(session, form, rows.slice(0, middle))
      await sendCollection(session, form, rows.slice(middle))
    } else if (error instanceof BatchRefusedError) {
      const only = rows[0] as CollectionRow
      const { code, message } = error
      only.row.write.answer(only.row.index, { status: 'rejected', code, message })
    } else {
      failAll(
        rows.map(({ row }) => row),
        error,
      )
    }
  }
}

async function exchange(session: SalesforceSession, form: RowForm, rows: readonly CollectionRow[]): Promise<Outcome[]> {
  const signal = signalOf(rows.map(({ row }) => row))
  const sent = rows.map(({ id, cells }) => jsonRecord(form, id, cells))
  const reply = await session.json(callOf(form, rows, sent), signal)
  const answered = readAs(results, reply, 'results')
  // A result is found by its place, so one too many or too few makes all of them worth nothing.
  if (answered.length !== rows.length) throw resultsMissing(answered.length, rows.length)
  return answered.map((result, index): Outcome => {
    const id = result.id ?? rows[index]?.id
    if (result.success) {
      return {
        status: 'done',
        ...(id == null || form.way === 'delete' ? {} : { id }),
        ...(form.way === 'upsert' && { created: result.created === true }),
        ...(form.way === 'insert' && { created: true }),
      }
    }
    const [first] = result.errors
    const error = rowError(first?.statusCode, first?.message ?? '', first?.fields ?? [])
    return refusedOutcome(error, form, sent[index])
  })
}

export function resultsMissing(answered: number, sent: number): FatalError {
  const message = `Salesforce answered ${answered} of ${sent} rows, so the others are not known to have landed; run again: they are sent again`
  return new FatalError('results_missing', message)
}

function callOf(form: RowForm, rows: readonly CollectionRow[], sent: readonly string[]) {
  const { way, object, match } = form
  if (way === 'delete') {
    const ids = rows.map(({ id }) => id as string).join()
    return {
      method: 'DELETE',
      path: `composite/sobjects?${new URLSearchParams({ ids, allOrNone: 'false' })}`,
      refused: 'split',
    } as const
  }
  const path = way === 'upsert' ? `composite/sobjects/${object}/${match}` : 'composite/sobjects'
  const body = `{"allOrNone":false,"records":[${sent.join()}]}`
  return { method: way === 'insert' ? 'POST' : 'PATCH', path, body, refused: 'split' } as const
}
