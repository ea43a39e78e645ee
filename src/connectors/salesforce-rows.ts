import type { SalesforceField } from './salesforce-fields.ts'
import { longRecordId } from './salesforce-record-id.ts'
import { formatValue, type Misfit, type SalesforceValue, unfit } from './salesforce-value-formats.ts'

/** What is asked of Salesforce: `update` and `delete` by the Id of the record, `upsert` by an external id. */
export type Way = 'insert' | 'upsert' | 'update' | 'delete'

/** What the rows of one call or one job hold. */
export interface RowForm {
  readonly way: Way
  readonly object: string
  /** External id of an upsert. */
  readonly match: string
  /** What is written, besides the Id. */
  readonly columns: readonly { readonly at: number; readonly column: SalesforceField }[]
}

/** A value for each column: null clears the field, undefined leaves it as it is. */
export type Cells = readonly (SalesforceValue | null | undefined)[]

/** The form of rows that hold these fields. */
export function rowForm(way: Way, object: string, match: string, fields: readonly SalesforceField[]): RowForm {
  const all = fields.map((column, at) => ({ at, column }))
  const isWritten = ({ field, target }: SalesforceField) => {
    if (way === 'delete' || field.name === 'Id') return false
    if (way !== 'update') return true
    // A record that is known by its Id may get another match; where nobody may change that, it is the same one.
    return field.on === 'always' && (target.updateable || field.name !== match)
  }
  return { way, object, match, columns: all.filter(({ column }) => isWritten(column)) }
}

/** The cells of a row, or why it cannot be sent. An empty text is null: Salesforce knows no other [D]. */
export function cellsOf(
  form: RowForm,
  values: readonly (string | null)[],
): Cells | (Misfit & { readonly field: string }) {
  const cells: (SalesforceValue | null | undefined)[] = []
  for (const { at, column } of form.columns) {
    const { field, holds } = column
    const value = values[at] ?? null
    if (value === null || value === '') {
      const isLeft = value === null && field.nulls === 'skip'
      const refusal = isLeft ? undefined : emptyRefusal(form, column)
      if (refusal !== undefined) return { ...refusal, field: field.name }
      cells.push(isLeft ? undefined : null)
      continue
    }
    const formatted = formatValue(holds, field.kind, value)
    if ('misfit' in formatted) return { ...formatted, field: field.name }
    cells.push(formatted)
  }
  return cells
}

/** Why a field cannot be empty. */
function emptyRefusal({ way, match }: RowForm, { field, target }: SalesforceField): Misfit | undefined {
  if (field.name === match) return { code: 'missing_match', misfit: 'finds the record and is null' }
  if (target.type === 'boolean') {
    return { code: 'invalid_value', misfit: 'is a checkbox, which is never null: set `nulls: skip` in the mapping' }
  }
  if (target.nillable || (target.defaultedOnCreate && way === 'insert')) return undefined
  return unfit('REQUIRED_FIELD_MISSING', 'is required and null')
}

/** What a row is recognised by in a reply: it is unique within a job. */
export function rowKey(form: RowForm, id: string | undefined, cells: Cells): string {
  if (form.way === 'update' || form.way === 'delete') return longRecordId(id as string)
  const place = form.columns.findIndex(({ column }) => column.field.name === form.match)
  return cells[place]?.text ?? ''
}
