import type { Column } from '../core/column.ts'
import type { CopyLines } from './copy-lines.ts'

/** How rows are written down: CSV or NDJSON. */
export interface RowFormat {
  /**
   * The columns, from the beginning of the input. Asks for the next chunk as often as it has to; undefined is the end.
   * Throws FatalError where there is nothing to learn them from.
   */
  columns(next: () => Promise<Buffer | undefined>): Promise<readonly Column[]>
  /** Reads the input from its first byte on; lines hold these columns, in this order. */
  read(columns: readonly Column[]): RowReader
}

/** Turns bytes into lines of COPY text. Throws FatalError where the input cannot be understood any further. */
export interface RowReader {
  readonly lines: CopyLines
  /** Rows so far, unreadable ones included. */
  readonly rows: number
  /** What the trailer said, once it was read. */
  readonly trailer: number | undefined
  /** Whole characters of UTF-8. Calls `full` whenever there is enough for a batch. */
  feed(bytes: Buffer, full: () => void): void
  /** There is no more. `whole`: that this was all is known, so a last line without a newline is no sign of a cut. */
  finish(whole: boolean, full: () => void): void
}

/** The beginning of a row as the report shows it. */
export function payloadOf(bytes: Buffer, from: number, to: number): string {
  return bytes.toString('utf8', from, Math.min(to, from + 8192))
}
