import { pipeline, Readable } from 'node:stream'
import { parse } from 'csv-parse'

/** A row of a result file. */
export interface ResultRow {
  /** `sf__Id`: the record, where there is one. */
  readonly id: string
  /** `sf__Created`, of files of successes. */
  readonly created: boolean
  /** `sf__Error`, of files of failures. */
  readonly error: string
  /** The row as it was uploaded, by column. */
  cell(column: string): string
}

/** What a file has to be. */
export interface ExpectedFile {
  /** A column that it has whatever else is in it. */
  readonly column: string
  /** Whether nothing at all is a file without rows: the answer said that it has no content. */
  readonly mayBeEmpty: boolean
}

/**
 * Reads a result file of a job, row by row, without holding more of it than a chunk. Its columns are found by name.
 * Throws what the body throws, and Error where this is no such file or where it ends inside of a row.
 */
export async function* readResultFile(
  body: AsyncIterable<Uint8Array>,
  { column, mayBeEmpty }: ExpectedFile,
): AsyncGenerator<ResultRow> {
  const parser = parse({ bom: true, relax_column_count: false, skip_empty_lines: true })
  // An error ends the loop below; so does a loop that is left early end the download.
  pipeline(Readable.from(body, { highWaterMark: 1 }), parser, () => {})
  let places: ReadonlyMap<string, number> | undefined
  for await (const texts of parser as AsyncIterable<string[]>) {
    if (places === undefined) {
      places = new Map(texts.map((name, at) => [name, at]))
      if (!places.has(column)) throw new Error(`it has no column ${column}`)
      continue
    }
    const columns = places
    const cell = (column: string) => texts[columns.get(column) ?? -1] ?? ''
    yield { id: cell('sf__Id'), created: cell('sf__Created') === 'true', error: cell('sf__Error'), cell }
  }
  if (places === undefined && !mayBeEmpty) throw new Error('it is empty')
}
