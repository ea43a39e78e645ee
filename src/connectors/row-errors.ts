import { FatalError } from '../core/errors.ts'
import { BROKEN_QUOTE, STRAY_QUOTE } from './csv-scan.ts'
import { MAX_LINE_BYTES } from './pending-bytes.ts'

/** What ends the reading of rows: from here on nothing of the input can be trusted. */

/** `reason` is what the scanner said; the row begins at line `first`, and line `line` is where it goes wrong. */
export function brokenRecord(reason: number, line: number, first: number, name: string): FatalError {
  if (reason === STRAY_QUOTE || reason === BROKEN_QUOTE) {
    const where = reason === STRAY_QUOTE ? 'inside of a field that is not quoted' : 'with text behind it'
    return new FatalError(
      'stray_quote',
      `line ${line} of ${name} has a quote ${where}: quote the whole field and double the quotes in it, ` +
        'or set quote: none where quotes are ordinary characters',
    )
  }
  return new FatalError(
    'unclosed_quote',
    `${name} ends inside of a quoted field of the row at line ${first}: the input was cut off, or its quote is never ` +
      'closed; mend it and run again',
  )
}

export function lineTooLarge(line: number, name: string): FatalError {
  return new FatalError(
    'line_too_large',
    `the row at line ${line} of ${name} is larger than ${MAX_LINE_BYTES / 1024 / 1024} MiB: ` +
      'look for a line break that is missing or a quote that is never closed, or leave that row out',
  )
}

export function cutOff(line: number, name: string): FatalError {
  return new FatalError(
    'input_truncated',
    `the last line of ${name}, number ${line}, is not complete: if the input was cut off, run again; ` +
      'if it always ends like this, end it in a newline or set trust_eof: true (--trust-eof)',
  )
}

export function behindTrailer(name: string, line: number): FatalError {
  return new FatalError(
    'rows_after_trailer',
    `line ${line} of ${name} comes after the trailer line, which has to be the last: send one set of rows at a time`,
  )
}

/** The first line that is not blank is no object: most likely this is not NDJSON at all. */
export function notNdjson(line: number, beginning: string, name: string): FatalError {
  const start = beginning.trimStart()
  const advice = start.startsWith('[')
    ? "turn the list into lines with jq -c '.[]'"
    : start.startsWith('{')
      ? 'write each object on a line of its own, for example with jq -c .'
      : 'is it CSV? Then say csv'
  return new FatalError(
    'not_ndjson',
    `line ${line} of ${name} is not one JSON object (${JSON.stringify(start)}): ${advice}`,
  )
}
