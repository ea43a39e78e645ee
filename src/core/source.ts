import type { Readable } from 'node:stream'
import type { ZodType } from 'zod'
import type { Column } from './column.ts'
import type { RowBatch, RowLayout } from './row-batch.ts'

/** What to read: `key` columns decide the order, `columns` (key columns first) are what the mapping needs. */
export interface ReadRequest {
  readonly key: readonly string[]
  readonly columns: readonly string[]
  /** Aborts the read; the stream is then destroyed with the reason. */
  readonly signal: AbortSignal
  /** Where not all rows are needed. A hint that saves work: the engine picks from whatever a source sends. */
  readonly part?: ModelPart
  /**
   * Keys that cut the model into parts of about the same size, ascending, each as the text of its key columns: what the
   * last run saw. A hint for whoever reads parts at the same time; it may be out of date, and empty.
   */
  readonly splits?: () => readonly (readonly string[])[]
  /** Let the source compute the fingerprints, of what `columns` hold. Asked for only where {@link ModelRequest} was. */
  readonly digest?: DigestRequest
}

export interface DigestRequest {
  /** Two words that the fingerprints depend on. */
  readonly seed: { readonly high: number; readonly low: number }
  /** Which rows are going to be needed as a whole, as far as one knows before: a hint. */
  readonly rows: 'all' | 'changed'
}

/** The first rows in key order, or the rows with one of these keys: each the text of the key columns, canonical. */
export type ModelPart = { readonly limit: number } | { readonly keys: readonly (readonly string[])[] }

/** A model, being read. */
export interface Reading {
  /** Of the lines in `rows`. */
  readonly layout: RowLayout
  /**
   * The field of each line that holds the row's fingerprint, a signed integer of 64 bits in decimal, where the source
   * computed it as it was asked to: one of the leading fields that `layout.extra` counts. Whenever the text of any column
   * is another, it is another too.
   */
  readonly digest?: number
  /** Where `rows` holds keys and fingerprints only, because few rows are going to be needed: how to get those. */
  readonly whole?: WholeRows
  /**
   * Object stream of {@link RowBatch}, ascending by key in the byte order of its encodings; null keys anywhere.
   * Ends after a batch with `end`, or is destroyed with an error: a broken connection never looks like an end.
   */
  readonly rows: Readable
  /** False where the rows come in any order: the engine sorts them on disk first. Default: true. */
  readonly sorted?: boolean
  /** What the user should know of how it is read, where it is not as asked for. */
  readonly notes?: readonly string[]
}

/** Rows that were passed over once, and are wanted after all. */
export interface WholeRows {
  /** Of the lines that are fetched: keys and fingerprints are in the same fields as in the lines of the reading. */
  readonly layout: RowLayout
  /** Most keys that are worth asking for at once. */
  readonly most: number
  /**
   * The rows with these keys, from the snapshot of the reading, in the order of their keys: an object stream of
   * {@link RowBatch} that ends as `Reading.rows` does. A key is the text of its columns, canonical. One stream at a time.
   */
  fetch(keys: readonly (readonly string[])[]): Readable
  /** Nothing more is going to be fetched. Never rejects. */
  close(): Promise<void>
}

/** The rows to sync. One per run; holds a connection from `describe` until it is disposed. */
export interface Source extends AsyncDisposable {
  /** Columns of the model, without reading a row. Throws FatalError where the model is wrong. */
  describe(): Promise<readonly Column[]>
  /** Whether the model has at least `rows` rows, in the same snapshot that `read` reads. */
  hasAtLeast(rows: number): Promise<{ readonly enough: boolean; readonly rows: number }>
  read(request: ReadRequest): Promise<Reading>
}

/** The `source:` part of a sync, as far as it is the same for all systems. */
export interface ModelRequest {
  readonly sql?: string
  readonly table?: string
  readonly params: Readonly<Record<string, string | number | boolean | null>>
  readonly read: 'auto' | 'copy' | 'cursor'
  /** Connections that may read at the same time, from one snapshot. Default: 1. */
  readonly parallel?: number
  /** Fingerprints will be asked of the server, which has to be able to. Default: false. */
  readonly digest?: boolean
  /** Milliseconds without a byte from the system after which the read fails. */
  readonly idleTimeoutMs: number
}

/** A system that models can be read from: data plus one function. */
export interface SourceDefinition<Options = unknown> {
  readonly type: string
  /** Schemes of the URL form of a connection, without colon; the URL is passed as option `url`. */
  readonly schemes: readonly string[]
  readonly options: ZodType<Options>
  /** Makes relative paths in the options absolute. */
  locate?(options: Options, baseDirectory: string): Options
  open(options: Options, model: ModelRequest): Promise<Source>
}

/** Declares a source; the identity function, there for its types. */
export function defineSource<Options>(definition: SourceDefinition<Options>): SourceDefinition<Options> {
  return definition
}
