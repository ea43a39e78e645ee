import * as z from 'zod'
import { TYPE_NAMES } from './text-types.ts'

/** How rows from stdin or a file are written down and what proves their end. The configuration has checked them. */
export const rowOptions = z.strictObject({
  format: z.enum(['csv', 'ndjson']),
  /** One ASCII character. */
  delimiter: z.string().length(1).default(','),
  /** One ASCII character; undefined where quotes mean nothing. */
  quote: z.string().length(1).optional(),
  /** An unquoted field with this text is null. */
  null: z.string().default(''),
  /** CSV: the input has no header line and these are its columns. NDJSON: these are the columns, others do not matter. */
  columns: z.array(z.string()).optional(),
  types: z.record(z.string(), z.enum(TYPE_NAMES)).default({}),
  /** Whether the rows are in the byte order of their keys already. */
  sorted: z.boolean().default(false),
  /** How many rows there have to be. */
  rows: z.int().min(0).optional(),
  /** Whether the last line says how many rows there were. */
  trailer: z.boolean().default(false),
  trustEof: z.boolean().default(false),
  /** NDJSON: whether a name that was not met before matters to the sync. */
  unknownColumns: z.enum(['refuse', 'ignore']).default('refuse'),
})

export type RowOptions = z.output<typeof rowOptions>
