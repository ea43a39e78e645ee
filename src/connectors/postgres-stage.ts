import type { Field } from '../core/change.ts'
import { quoteIdentifier } from './postgres-identifiers.ts'
import { keepsText } from './postgres-key-text.ts'
import { findUniqueKey, type PostgresTable, type TableColumn } from './postgres-table.ts'

/** A field of a batch and the column it is written to. */
export interface StagedField {
  readonly field: Field
  readonly column: TableColumn
  /** The column's name as SQL. */
  readonly name: string
  /** The value in the staging table, as the type of the column. */
  readonly value: string
  /** What the value was sent as and what the table makes of it, where the two texts may differ. */
  readonly texts: { readonly sent: string; readonly printed: string } | undefined
  /** Definition of the column of the staging table. */
  readonly definition: string
}

/** A field that finds the record. */
export interface StagedMatch extends StagedField {
  /** The operator of the unique index, by which equal is meant. */
  readonly equals: string
  /** Equal values may have other texts, and so be other keys: they are written like any other field. */
  readonly loose: boolean
}

export interface StagingRequest {
  readonly table: PostgresTable
  readonly fields: readonly { readonly field: Field; readonly column: TableColumn }[]
  /** The first so many fields find the record. */
  readonly matchCount: number
  /** Keys have to come back from the table as they were sent: the sync deletes what it does not find in the model. */
  readonly exactKeys: boolean
  /** Whether a match that comes back otherwise has to be found out now. */
  readonly verifiesKeys: boolean
}

/**
 * The fields of a batch in a staging table. Its columns are named by position (`field_0`), so that no name of a user
 * can collide with another; they have the types of the table, so that a value is refused here as it would be there.
 */
export function stageFields(request: StagingRequest): {
  readonly fields: readonly StagedField[]
  readonly match: readonly StagedMatch[]
} {
  const { table, matchCount, exactKeys, verifiesKeys } = request
  const key = findUniqueKey(
    table,
    request.fields.slice(0, matchCount).map(({ column }) => column.name),
  )
  const fields = request.fields.map(({ field, column }, index): StagedField => {
    const staged = `staged.field_${index}`
    const collation = column.collation === null ? '' : ` COLLATE ${column.collation}`
    const asText = index < matchCount && verifiesKeys && !keepsText(field, column)
    const value = asText ? `${staged}::${column.type}${collation}` : staged
    return {
      field,
      column,
      name: quoteIdentifier(column.name),
      value,
      texts: asText ? { sent: staged, printed: `(${value})::pg_catalog.text COLLATE pg_catalog."C"` } : undefined,
      definition: `field_${index} ${asText ? 'pg_catalog.text' : `${column.type}${collation}`}`,
    }
  })
  const match = fields.slice(0, matchCount).map(
    (field): StagedMatch => ({
      ...field,
      equals: key?.find(({ column }) => column === field.column.name)?.equals ?? '=',
      loose: exactKeys && !field.column.exact,
    }),
  )
  return { fields, match }
}

/** The column of a message of COPY about a staging table (`COPY rowferry_stage_1, line 3, column field_4: "x"`). */
export function stagedColumn(
  where: string | undefined,
  fields: readonly { readonly name: string }[],
): string | undefined {
  const position = /^COPY \S+, .*?\bfield_(\d+)\b/.exec(where ?? '')?.[1]
  return position === undefined ? undefined : fields[Number(position)]?.name
}
