import type { DeleteScope, SyncMode } from '../core/sync-mode.ts'

/**
 * A configuration as the engine wants it: checked, references resolved, defaults that need no destination filled
 * in. What depends on the destination (default scope, batch size) stays undefined here.
 */
export interface Config {
  /** Absolute path of the folder of key indexes and run history. */
  readonly state: string
  readonly connections: ReadonlyMap<string, ConnectionConfig>
  readonly syncs: ReadonlyMap<string, SyncConfig>
}

export interface ConnectionConfig {
  readonly name: string
  /** Type or URL scheme: what the registry looks a connector up by. */
  readonly type: string
  /** Options as written, secrets expanded: `{ url }` for the URL form. Checked by the connector's schema. */
  readonly options: Readonly<Record<string, unknown>>
  /** Folder that relative paths in the options start from. */
  readonly baseDirectory: string
}

export interface SyncConfig {
  readonly name: string
  readonly description: string | undefined
  readonly tags: readonly string[]
  readonly source: SourceConfig
  readonly key: readonly string[]
  readonly mode: SyncMode
  readonly destination: {
    readonly connection: string
    /** `object` or, for databases, `table`. */
    readonly object: string
    readonly match: readonly string[] | undefined
    readonly create: boolean
  }
  readonly deletes: { readonly scope: DeleteScope | undefined; readonly as: DeletesAs }
  /** In the order of the file; undefined = all columns under their own names. */
  readonly fields: readonly FieldMapping[] | undefined
  readonly exclude: readonly string[]
  readonly guards: {
    readonly maxDeletes: Threshold | undefined
    readonly minRows: number | undefined
    readonly maxRejected: Threshold | undefined
  }
  readonly index: {
    readonly bootstrap: 'list' | 'empty' | undefined
    /** A number is the age in milliseconds above which the list is read again. */
    readonly refresh: 'always' | 'never' | number | undefined
  }
  readonly batch: {
    readonly size: number | undefined
    readonly concurrency: number | undefined
    readonly rate: { readonly requests: number; readonly perMs: number } | undefined
  }
}

export interface SourceConfig {
  readonly connection: string
  /** Text of the query: given as `sql`, or read from `file`. */
  readonly sql: string | undefined
  /** Where `sql` came from, for messages. */
  readonly file: string | undefined
  readonly table: string | undefined
  readonly params: Readonly<Record<string, string | number | boolean | null>>
  readonly read: 'auto' | 'copy' | 'cursor'
  readonly idleTimeoutMs: number
}

export type Threshold = { readonly count: number } | { readonly percent: number }

export type Scalar = string | number | boolean | null

export type RunVariable = 'run.id' | 'run.started_at' | 'sync.name'

export type DeletesAs =
  | { readonly kind: 'delete' | 'archive' | 'clear' }
  /** Soft delete: fields to set, in place of removing the record. */
  | { readonly kind: 'set'; readonly fields: readonly { readonly name: string; readonly value: ConstantOrVariable }[] }

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
