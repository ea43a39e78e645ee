import type { Operation } from '../core/change.ts'
import { hashedUuid } from './http-idempotency.ts'
import { type JsonTree, printJson } from './http-json.ts'
import { usesId } from './http-modes.ts'
import type { HttpOperation } from './http-operation-options.ts'
import { type Filling, fill, isColumn, matchTexts, type Row, textAt } from './http-rows.ts'
import { readTemplate, type Template } from './http-template.ts'
import { encoded, fillUrl, readUrlParts, type UrlParts } from './http-url-parts.ts'
import { csvLine } from './written-rows.ts'

/** A request as it will be sent, without what only sending adds: the credentials. */
export interface HttpRequest {
  readonly method: HttpOperation['method']
  /** The whole URL. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** What of the body is each row's own, for reports. */
  bodyOf(row: Row): string | undefined
}

/** Why a row cannot be sent. */
export interface Unsendable {
  readonly code: 'unsafe_path' | 'no_record_id' | 'no_path_value'
  readonly message: string
}

/** One operation of an object, its templates read. */
export interface Compiled {
  readonly name: Operation
  readonly operation: HttpOperation
  readonly path: UrlParts
  readonly query: readonly (readonly [string, UrlParts])[]
  readonly body: Template | undefined
  /** Whether a request names the record by the service's own id. */
  readonly usesId: boolean
}

const CONTENT_TYPES = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  form: 'application/x-www-form-urlencoded',
  csv: 'text/csv; charset=utf-8',
} as const

export function compileOperation(name: Operation, operation: HttpOperation): Compiled {
  const { body, mode, format } = operation
  return {
    name,
    operation,
    path: readUrlParts(operation.path).parts,
    query: Object.entries(operation.query).map(([key, value]) => [key, readUrlParts(String(value)).parts]),
    body:
      body === undefined ? undefined : readTemplate(body, { rows: mode === 'batch' && format !== 'ndjson' }).template,
    usesId: usesId(operation),
  }
}

/** Whether the URL can be made for that row; the same for all rows of a batch, which has none of theirs in it. */
export function unsendable({ path, query }: Pick<Compiled, 'path' | 'query'>, row: Row): Unsendable | undefined {
  const filled = [path, ...query.map(([, parts]) => parts)].map((parts) => ({ parts, text: fillUrl(parts, row) }))
  const missing = filled.find(({ text }) => text === undefined)
  if (missing !== undefined) {
    if (missing.parts.includes('$id') && row.id === undefined) {
      const message = 'the id that the service has given this record is not known: declare a `lookup` for the object'
      return { code: 'no_record_id', message }
    }
    return {
      code: 'no_path_value',
      message: 'a value that is part of the URL is null or empty: give it one in the model',
    }
  }
  // Whoever resolves a URL takes %2E for a dot: these would leave the path that was asked for.
  const climbs = (filled[0]?.text ?? '').split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))
  if (!climbs) return undefined
  const message =
    'a value that is part of the path is a dot or two, which would lead to another path: change it in the model'
  return { code: 'unsafe_path', message }
}

/** Makes the request of these rows: one where the operation is single. Each has passed {@link unsendable}. */
export function makeRequest(
  compiled: Compiled,
  rows: readonly Row[],
  given: {
    readonly baseUrl: string
    readonly headers: Readonly<Record<string, string>>
    readonly object: string
    /** Of the change, for its idempotency key. */
    readonly mark: string
  },
): HttpRequest {
  const { operation } = compiled
  const [row] = rows
  const idempotencyKey = (some: readonly Row[]) => idempotencyKeyOf(compiled, some, given)
  const filling: Filling = { operation: compiled.name, rows, idempotencyKey }
  const body = bodyText(compiled, filling)
  const keyHeader = operation.idempotency_key?.header
  return {
    method: operation.method,
    url: urlFor(given.baseUrl, compiled, operation.mode === 'single' ? row : undefined),
    headers: {
      ...(body === undefined ? {} : { 'content-type': CONTENT_TYPES[operation.format] }),
      ...lowerCased(given.headers),
      ...lowerCased(operation.headers),
      ...(keyHeader === undefined ? {} : { [keyHeader.toLowerCase()]: idempotencyKey(rows) }),
    },
    body,
    bodyOf: (one) => (rows.length === 1 ? body : partText(compiled, filling, one)),
  }
}

/** Path and query filled; the query's names and values are encoded. */
export function urlFor(
  baseUrl: string,
  { path, query }: Pick<Compiled, 'path' | 'query'>,
  row: Row | undefined,
): string {
  const pairs = query.map(([name, parts]) => {
    const value = parts
      .map((part, at) => (at % 2 === 0 ? encoded(part) : (fillUrl(['', part, ''], row) ?? '')))
      .join('')
    return `${encoded(name)}=${value}`
  })
  return `${baseUrl}${fillUrl(path, row) ?? ''}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
}

/** It does not depend on the connection, the time or the place of the rows in a list of batches. */
function idempotencyKeyOf(
  { operation, name }: Compiled,
  rows: readonly Row[],
  { object, mark }: { readonly object: string; readonly mark: string },
): string {
  const ofKey = operation.idempotency_key?.of === 'key'
  const content = rows.map((row) => (ofKey ? matchTexts(row) : [row.fields.map((field) => field.name), row.values]))
  return hashedUuid([object, name, content, mark])
}

function bodyText({ operation, body }: Compiled, filling: Filling): string | undefined {
  const { format } = operation
  if (format === 'csv') return csvText(filling.rows)
  if (body === undefined) return undefined
  if (format === 'ndjson') return filling.rows.map((row) => `${printed(fill(body, filling, row))}\n`).join('')
  const tree = fill(body, filling)
  return format === 'form' ? formText(tree) : printed(tree)
}

/** What of the body is this row's: its item of the list. */
function partText({ operation, body }: Compiled, filling: Filling, row: Row): string | undefined {
  if (operation.format === 'csv') return csvText([row])
  if (body === undefined) return undefined
  const item = operation.format === 'ndjson' ? body : eachOf(body)
  return item === undefined ? undefined : printed(fill(item, filling, row))
}

function eachOf(template: Template): Template | undefined {
  if (template.kind === 'each') return template.item
  const parts =
    template.kind === 'list'
      ? template.items
      : template.kind === 'merge'
        ? template.parts
        : template.kind === 'map'
          ? template.members.map(([, member]) => member)
          : []
  for (const part of parts) {
    const found = eachOf(part)
    if (found !== undefined) return found
  }
  return undefined
}

function printed(tree: JsonTree | undefined): string {
  return tree === undefined ? 'null' : printJson(tree)
}

/** A header line with the names of the fields, then a line for each row. Null is nothing, an empty text is `""`. */
function csvText(rows: readonly Row[]): string {
  const [first] = rows
  const columns = [...(first?.fields.keys() ?? [])].filter((at) => isColumn(first as Row, at))
  const names = columns.map((at) => first?.fields[at]?.name ?? null)
  return csvLine(names) + rows.map((row) => csvLine(columns.map((at) => textAt(row, at)))).join('')
}

/** `a=1&b[c]=2&d[0]=3`; a null is empty. */
function formText(tree: JsonTree | undefined): string {
  const pairs: [string, string][] = []
  const add = (name: string, part: JsonTree) => {
    const inside = (child: string) => (name === '' ? child : `${name}[${child}]`)
    if ('members' in part) for (const [child, member] of part.members) add(inside(child), member)
    else if ('items' in part) for (const [at, item] of part.items.entries()) add(inside(String(at)), item)
    else
      pairs.push([name, part.token === 'null' ? '' : part.token.startsWith('"') ? JSON.parse(part.token) : part.token])
  }
  if (tree !== undefined) add('', tree)
  return new URLSearchParams(pairs).toString()
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
