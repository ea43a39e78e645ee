import type { DeletesAs, FieldMapping, Scalar } from '../core/field-mapping.ts'
import type { DeleteScope, SyncMode } from '../core/sync-mode.ts'
import type { Origin } from './origin.ts'

/**
 * A configuration as the engine wants it: checked, references resolved, defaults that need no destination filled
 * in. What depends on the destination (default scope, batch size) stays undefined here.
 */
export interface Config {
  /** Where it was written: for problems that are found later, and for what must not be printed. */
  readonly origin: Origin
  /** Absolute path of the folder of key indexes and run history. */
  readonly state: string
  readonly connections: ReadonlyMap<string, ConnectionConfig>
  readonly syncs: ReadonlyMap<string, SyncConfig>
}

export interface ConnectionConfig {
  readonly name: string
  /** Type or URL scheme: what the registry looks a connector up by. */
  readonly type: string
  /** Options as written without `type`, secrets expanded: `{ url }` for the URL form. See `checkConnection`. */
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
  /** Undefined where the rows come from stdin or a file. */
  readonly connection: string | undefined
  /** Rows that need no connection; then there is no query either. */
  readonly rows: RowsConfig | undefined
  /** Text of the query: given as `sql`, or read from `file`. */
  readonly sql: string | undefined
  /** Where `sql` came from, for messages. */
  readonly file: string | undefined
  readonly table: string | undefined
  /** By name, on a null prototype. */
  readonly params: Readonly<Record<string, Scalar>>
  readonly read: ReadConfig
  readonly idleTimeoutMs: number
}

/** How Postgres is read. */
export interface ReadConfig {
  readonly method: 'auto' | 'copy' | 'cursor'
  /** Connections that read at the same time. */
  readonly parallel: number
  /** Fingerprints are computed by the server. */
  readonly digest: boolean
}

export type Threshold = { readonly count: number } | { readonly percent: number }

/** Rows from stdin or a file. */
export interface RowsConfig {
  readonly from: 'stdin' | 'file'
  /** Options of the connector: `RowOptions`, and for a file its absolute path. */
  readonly options: Readonly<Record<string, unknown>>
}
