import type { Column, KeyEncoding } from './column.ts'

/**
 * Rows as they flow between stages: COPY text lines, one after the other in one buffer. Fields are in the order
 * of the {@link RowLayout}, separated by tabs, `\N` is null, backslash escapes as in PostgreSQL's COPY. A row is
 * decoded only when it has to be written; until then it is an offset.
 */
export interface RowBatch {
  readonly bytes: Buffer
  /** Row `i` is `bytes[offsets[i] .. offsets[i + 1])`, newline included. Holds at least `count + 1` numbers. */
  readonly offsets: Uint32Array
  readonly count: number
  /** Rows the source itself could not read (a ragged CSV line). They count as read, and as invalid. */
  readonly invalid?: readonly UnreadableRow[]
  /** On the last batch, and only there: what the source can say about the end of the model. */
  readonly end?: EndOfModel
}

/** A row that has no fields at all; its key is unknown, so it may stand for any record. */
export interface UnreadableRow {
  readonly code: string
  readonly message: string
  /** The row as read, for the report. */
  readonly payload: string
}

/** The end of a model. Absence of a key is evidence only after a proven end. */
export interface EndOfModel {
  /** Rows the source says it sent, unreadable ones included. */
  readonly rows: number
  /** False where the stream just stopped (a pipe that closed) and nothing says that this was all. */
  readonly proven: boolean
  /** What proves it, or why nothing does; for the report. */
  readonly evidence: string
}

/** Where the key is in a line and what the other fields are. */
export interface RowLayout {
  /** Each key column in key order: its position in the line and how it is encoded. */
  readonly key: readonly { readonly field: number; readonly encoding: KeyEncoding }[]
  /** Number of leading fields that hold key text only and are not part of `columns`. */
  readonly extra: number
  /** The requested columns, from field `extra` on, in the order they were asked for. */
  readonly columns: readonly Column[]
}
