import * as z from 'zod'
import { parsed, text } from './schema-parts.ts'

/** The options of a source whose rows come from stdin or from a file, in place of a query. */

export const ROW_FORMATS = ['csv', 'ndjson'] as const

const TYPES = ['text', 'integer', 'number', 'boolean', 'date', 'timestamp', 'uuid', 'json'] as const

const EXPECTED_DELIMITER = 'expected one ASCII character that is no letter, digit or quote'
const EXPECTED_QUOTE = 'expected one ASCII character, or none'

export const rowsShape = {
  stdin: z.enum(ROW_FORMATS).optional().describe('The rows come through a pipe, in this format.'),
  format: z.enum(ROW_FORMATS).optional().describe("Format of the rows of a file. Default: by the file's extension."),
  delimiter: parsed(
    z.string({ error: EXPECTED_DELIMITER }),
    (value) => (/^[^\w\r\n"\u0080-\uffff]$/.test(value) ? value : undefined),
    EXPECTED_DELIMITER,
  )
    .optional()
    .describe('CSV: what stands between fields. Default: a comma, and a tab in a .tsv file.'),
  quote: parsed(
    z.string({ error: EXPECTED_QUOTE }),
    (value) => (value === 'none' || /^[^\w\s\u0080-\uffff]$/.test(value) ? value : undefined),
    EXPECTED_QUOTE,
  )
    .optional()
    .describe("CSV: what encloses fields; none where quotes are ordinary characters. Default: `'\"'`."),
  null: z
    .string({ error: 'expected a text' })
    .optional()
    .describe('CSV: an unquoted field with this text is null. Default: `""`.'),
  columns: z
    .array(text('a column'))
    .min(1, { error: 'expected a list of at least one column' })
    .optional()
    .describe(
      'CSV: the columns, where there is no header line. NDJSON: the columns; others do not matter. Default: as the input says.',
    ),
  types: z
    .record(z.string(), z.enum(TYPES))
    .optional()
    .describe('Column: what its text is. Default: text, and in NDJSON what the first lines hold.'),
  sorted: z
    .boolean()
    .optional()
    .describe('The rows are in the byte order of their keys: they are checked, not sorted. Default: `false`.'),
  rows: z
    .int()
    .min(0)
    .optional()
    .describe('How many rows there are: proves that none is missing at the end. Default: unknown.'),
  trailer: z
    .boolean()
    .optional()
    .describe(
      'The last line says how many rows there were: {"_end":true,"rows":123}, or #end,123 in CSV. Default: `false`.',
    ),
  trust_eof: z
    .boolean()
    .optional()
    .describe(
      'Take the end of the input for the end of the model, although a dead writer looks the same. Default: `false`.',
    ),
}

/** Names of the options that only rows from stdin or a file have. */
export const ROW_OPTIONS = Object.keys(rowsShape).filter((name) => name !== 'stdin')
