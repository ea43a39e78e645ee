import { createHash } from 'node:crypto'
import type { Cells, RowForm } from './salesforce-rows.ts'
import { type Misfit, unfit } from './salesforce-value-formats.ts'

/** How jobs take rows [D: Bulk API 2.0, Prepare CSV files]: an empty cell leaves a field as it is, `#N/A` clears it. */
const CLEARED = '#N/A'

/** Most characters of a field [D: Bulk API 2.0, limits]. */
const LONGEST_CELL = 32_000

/** The columns of a job. */
export function csvColumns(form: RowForm): readonly string[] {
  const columns = form.columns.map(({ column }) => column.column)
  return form.way === 'update' || form.way === 'delete' ? ['Id', ...columns] : columns
}

export function csvHeader(form: RowForm): string {
  return csvLineOf(csvColumns(form))
}

/** A line of a job, newline included; or why the row cannot be one. */
export function csvRow(
  form: RowForm,
  id: string | undefined,
  cells: Cells,
): string | (Misfit & { readonly field: string }) {
  const texts = form.way === 'update' || form.way === 'delete' ? [id ?? ''] : []
  for (const [index, { column }] of form.columns.entries()) {
    const cell = cells[index]
    const text = cell === undefined ? '' : cell === null ? CLEARED : cell.text
    const refusal = cell ? cellRefusal(text) : undefined
    if (refusal !== undefined) return { ...refusal, field: column.field.name }
    texts.push(text)
  }
  return csvLineOf(texts)
}

/** A line of these texts, the way in which this file writes them: equal lines are equal rows. */
export function csvLineOf(texts: readonly string[]): string {
  return `${texts.map(csvCell).join()}\n`
}

/** What tells rows apart that were sent: the job's kind, the columns and the line. */
export function rowDigest(form: Pick<RowForm, 'way' | 'object' | 'match'>, header: string, line: string): Buffer {
  const { way, object, match } = form
  const hash = createHash('sha256').update(`${object}\n${way}\n${way === 'upsert' ? match : ''}\n${header}`)
  return hash.update(line).digest().subarray(0, 16)
}

function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function cellRefusal(text: string): Misfit | undefined {
  if (text === CLEARED) {
    return {
      code: 'unmappable_value',
      misfit: `holds the text ${CLEARED}, which clears a field in a job: use load: collections`,
    }
  }
  if (text.length <= LONGEST_CELL) return undefined
  return unfit(
    'STRING_TOO_LONG',
    `is longer than the ${LONGEST_CELL} characters that a job takes: use load: collections`,
  )
}
