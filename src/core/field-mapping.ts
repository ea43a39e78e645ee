export type Scalar = string | number | boolean | null

/** What a run can put into a field. */
export type RunVariable = 'run.id' | 'run.started_at' | 'sync.name'

export type ConstantOrVariable = { readonly value: Scalar } | { readonly variable: RunVariable }

/** `type:` of a mapping: what a column's text is read as and written as. */
export type FieldType = 'text' | 'number' | 'integer' | 'boolean' | 'date' | 'timestamp' | 'json'

/** How one destination field gets its value. */
export interface FieldMapping {
  /** Name of the destination field. */
  readonly field: string
  readonly from:
    | { readonly kind: 'column'; readonly column: string; readonly hash: 'sha256' | undefined }
    | { readonly kind: 'constant'; readonly value: Scalar }
    | { readonly kind: 'variable'; readonly variable: RunVariable }
    /** Literal texts and column names in turn: `parts[0]` literal, `parts[1]` column, and so on. */
    | { readonly kind: 'template'; readonly parts: readonly string[] }
  readonly type: FieldType | undefined
  readonly nulls: 'write' | 'skip'
  readonly on: 'always' | 'insert'
}

/** What a delete does: remove or archive the record, null its mapped fields, or set fields in its place. */
export type DeletesAs =
  | { readonly kind: 'delete' | 'archive' | 'clear' }
  | { readonly kind: 'set'; readonly fields: readonly { readonly name: string; readonly value: ConstantOrVariable }[] }
