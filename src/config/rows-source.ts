import { resolve } from 'node:path'
import type { Path } from './origin.ts'
import type { ProblemList } from './problem.ts'
import type { RowsConfig } from './resolved.ts'
import { ROW_OPTIONS } from './rows-schema.ts'

type Values = Readonly<Record<string, unknown>>

const EXTENSION = /\.(csv|tsv|ndjson|jsonl)(\.gz)?$/i

/** Whether `file:` names rows and not a query: by its extension, or because there is no connection to send a query to. */
export function isRowsFile(source: Values): boolean {
  const { file, connection, format } = source
  if (typeof file !== 'string' || /\.sql$/i.test(file)) return false
  return format !== undefined || connection === undefined || EXTENSION.test(file)
}

/** What goes with rows and what with a query. Looks at raw values, as rules.ts does. */
export function checkRows(source: Values, at: Path, problems: ProblemList): void {
  const has = (name: string) => source[name] !== undefined
  const isRows = has('stdin') || isRowsFile(source)
  const wrong = (names: readonly string[], message: string) => {
    for (const name of names) if (has(name)) problems.add([...at, name], message, { part: 'key' })
  }
  if (!isRows) {
    wrong(ROW_OPTIONS, 'only rows from stdin or a file have this; remove it')
    const hasQuery = has('sql') || has('table') || has('file')
    if (hasQuery && !has('connection')) {
      problems.add([...at, 'connection'], 'missing; expected the name of a connection', { missing: ['connection'] })
    }
    return
  }
  const what = has('stdin') ? 'rows from stdin' : 'rows of a file'
  wrong(['connection', 'params', 'read', 'idle_timeout'], `${what} need no connection and no query; remove it`)
  if (has('stdin')) wrong(['format'], 'stdin says the format already; remove one of them')
  const format = formatOf(source)
  if (format === undefined && typeof source['file'] === 'string') {
    const message = 'the extension does not say what the file holds; give format: csv or format: ndjson'
    problems.add([...at, 'file'], message)
  }
  if (format === 'ndjson') wrong(['delimiter', 'quote', 'null'], 'NDJSON has none; remove it')
  if (has('quote') && source['quote'] === delimiterOf(source)) {
    problems.add([...at, 'quote'], 'this is the delimiter, too; choose another')
  }
}

/** The rows of a checked source; undefined where it is a query. */
export function resolveRows(
  source: Values,
  context: { readonly baseDirectory: string; readonly allColumns: boolean },
): RowsConfig | undefined {
  const { stdin, file } = source
  if (stdin === undefined && !isRowsFile(source)) return undefined
  const { quote = '"', null: nullText, columns, types, sorted, rows, trailer, trust_eof: trustEof } = source
  const options = {
    format: formatOf(source),
    delimiter: delimiterOf(source),
    quote: quote === 'none' ? undefined : quote,
    null: nullText,
    columns,
    types,
    sorted,
    rows,
    trailer,
    trustEof,
    unknownColumns: context.allColumns && columns === undefined ? 'refuse' : 'ignore',
    path: stdin === undefined ? resolve(context.baseDirectory, file as string) : undefined,
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return { from: stdin === undefined ? 'file' : 'stdin', options: Object.fromEntries(given) }
}

function formatOf({ stdin, format, file }: Values): string | undefined {
  const asked = stdin ?? format
  if (typeof asked === 'string') return asked
  const extension = EXTENSION.exec(typeof file === 'string' ? file : '')?.[1]?.toLowerCase()
  if (extension === undefined) return undefined
  return extension === 'csv' || extension === 'tsv' ? 'csv' : 'ndjson'
}

function delimiterOf({ delimiter, file }: Values): unknown {
  return delimiter ?? (typeof file === 'string' && /\.tsv(\.gz)?$/i.test(file) ? '\t' : ',')
}
