import * as z from 'zod'
import { BatchRefusedError, FatalError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import type { GatheredWrites } from './salesforce-gathered.ts'
import { jsonRecord } from './salesforce-json-rows.ts'
import { longRecordId } from './salesforce-record-id.ts'
import { refusedOutcome, rowError } from './salesforce-row-errors.ts'
import type { Cells, RowForm } from './salesforce-rows.ts'
import { readAs, type SalesforceSession } from './salesforce-session.ts'

/** Most records of one call [D: sObject Collections]. */
export const COLLECTION_ROWS = 200

/** A row as it is sent. */
export interface CollectionRow {
  readonly row: number
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
  gathered: GatheredWrites,
  rows: readonly CollectionRow[],
): Promise<void> {
  const numbers = new Set(rows.map(({ row }) => gathered.numberOf(row)))
  try {
    const outcomes = await exchange(session, form, rows, gathered.signal)
    for (const [index, { row }] of rows.entries()) gathered.answer(row, outcomes[index] as Outcome)
    await gathered.settle(numbers)
  } catch (error) {
    if (error instanceof BatchRefusedError && rows.length > 1) {
      // A call that is malformed is refused whole, for one row of it: of the halves, one is well-formed.
      const middle = rows.length >>> 1
      await sendCollection(session, form, gathered, rows.slice(0, middle))
      await sendCollection(session, form, gathered, rows.slice(middle))
    } else if (error instanceof BatchRefusedError) {
      const { code, message } = error
      gathered.answer((rows[0] as CollectionRow).row, { status: 'rejected', code, message })
      await gathered.settle(numbers)
    } else await gathered.settle(numbers, { error })
  }
}

async function exchange(
  session: SalesforceSession,
  form: RowForm,
  rows: readonly CollectionRow[],
  signal: AbortSignal,
): Promise<Outcome[]> {
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
        ...(id == null || form.way === 'delete' ? {} : { id: longRecordId(id) }),
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
