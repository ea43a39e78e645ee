import { resolve } from 'node:path'
import * as z from 'zod'

/** The options of an SQLite file, for reading it as for writing it. */
export const sqliteOptions = z
  .strictObject({
    type: z.literal('sqlite').optional(),
    url: z
      .string()
      .startsWith('sqlite:', 'expected sqlite:PATH')
      .optional()
      .describe('sqlite:./app.db, sqlite:/var/lib/app.db or sqlite:///var/lib/app.db. Default: none; or give `path`.'),
    path: z
      .string()
      .min(1)
      .optional()
      .describe('The file, relative to the folder of the configuration. Default: none; or give `url`.'),
  })
  .refine((options) => (options.url === undefined) !== (options.path === undefined), {
    error: 'expected either `url` or `path`',
    abort: true,
  })
  .refine((options) => !/^(:memory:)?$/.test(writtenPath(options)), 'expected the path of a file')

export type SqliteOptions = z.infer<typeof sqliteOptions>

/** The options with an absolute path. */
export function located(options: SqliteOptions, baseDirectory: string): SqliteOptions {
  return { path: resolve(baseDirectory, writtenPath(options)) }
}

export function databasePath(options: SqliteOptions): string {
  return resolve(writtenPath(options))
}

function writtenPath(options: { path?: string | undefined; url?: string | undefined }): string {
  return options.path ?? options.url?.slice('sqlite:'.length).replace(/^\/\//, '') ?? ''
}
