import type { KeyList } from '../core/destination.ts'
import type { RowBatch } from '../core/row-batch.ts'
import { rowBatchOf } from './row-batch-of.ts'
import { bulkQuery } from './salesforce-bulk-query.ts'
import type { DescribedField } from './salesforce-describe.ts'
import type { LookupContext } from './salesforce-lookup.ts'
import { keyText } from './salesforce-match.ts'

const ROWS_A_BATCH = 5_000

/** The match of every record that has one, in no order; what is in the recycle bin is not there. */
export function listMatches(
  context: LookupContext,
  object: string,
  match: () => Promise<DescribedField>,
  signal: AbortSignal,
): KeyList {
  async function* rows(): AsyncGenerator<RowBatch> {
    const field = await match()
    const query = `SELECT ${field.name} FROM ${object} WHERE ${field.name} != null`
    let total = 0
    let batch: string[][] = []
    for await (const row of bulkQuery(context, { query, column: field.name }, signal)) {
      batch.push([keyText(field, row.cell(field.name))])
      total++
      if (batch.length < ROWS_A_BATCH) continue
      yield rowBatchOf(batch)
      batch = []
    }
    const evidence = `a query job said that it has ${total} records of ${object}, and as many came`
    yield rowBatchOf(batch, { rows: total, proven: true, evidence })
  }
  return { sorted: false, rows: rows() }
}
