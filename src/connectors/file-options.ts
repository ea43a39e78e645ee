import { extname, resolve } from 'node:path'
import * as z from 'zod'

const FORMATS: Readonly<Record<string, 'csv' | 'ndjson'>> = { '.csv': 'csv', '.ndjson': 'ndjson', '.jsonl': 'ndjson' }

interface Written {
  readonly path?: string | undefined
  readonly url?: string | undefined
  readonly format?: 'csv' | 'ndjson' | undefined
}

/** The options of a file that rows are appended to. */
export const fileOptions = z
  .strictObject({
    type: z.literal('file').optional(),
    url: z
      .string()
      .startsWith('file:', 'expected file:PATH')
      .optional()
      .describe('file:./out.ndjson, file:/var/out.csv or file:///var/out.csv. Default: none; or give `path`.'),
    path: z
      .string()
      .min(1)
      .optional()
      .describe('The file, relative to the folder of the configuration. Default: none; or give `url`.'),
    format: z
      .enum(['csv', 'ndjson'])
      .optional()
      .describe('How rows are written. Default: by the extension of the file.'),
    escape_formulas: z
      .boolean()
      .default(false)
      .describe('CSV: put a quote before texts that a spreadsheet would run as a formula. Changes what is written.'),
  })
  .refine((options) => (options.url === undefined) !== (options.path === undefined), {
    error: 'expected either `url` or `path`',
    abort: true,
  })
  .refine((options) => writtenPath(options) !== '', 'expected the path of a file')
  .refine((options) => !writtenPath(options).endsWith('.gz'), 'rows cannot be appended to a compressed file')
  .refine((options) => formatOf(options) !== undefined, {
    error: 'the name of the file does not say its format: end it in .csv or .ndjson, or set `format`',
  })
  .refine((options) => !options.escape_formulas || formatOf(options) === 'csv', {
    error: 'only CSV has formulas to escape',
    path: ['escape_formulas'],
  })

export type FileOptions = z.infer<typeof fileOptions>

/** The options with an absolute path. */
export function locatedFile(options: FileOptions, baseDirectory: string): FileOptions {
  const { url: _, ...rest } = options
  return { ...rest, path: resolve(baseDirectory, writtenPath(options)) }
}

export function filePath(options: FileOptions): string {
  return resolve(writtenPath(options))
}

export function formatOf(options: Written): 'csv' | 'ndjson' | undefined {
  return options.format ?? FORMATS[extname(writtenPath(options)).toLowerCase()]
}

function writtenPath(options: Written): string {
  return options.path ?? options.url?.slice('file:'.length).replace(/^\/\//, '') ?? ''
}
