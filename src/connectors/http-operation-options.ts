import * as z from 'zod'
import { byteSize } from './http-amounts.ts'
import { readTemplate, referencesOf } from './http-template.ts'
import { namesOf, readUrlParts } from './http-url-parts.ts'

const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'expected a JSON pointer such as /data/id')
  .describe('A JSON pointer; an empty text is the whole.')
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])
const status = z.union([
  z.int().min(100).max(599),
  z.string().regex(/^[1-5]xx$/, 'expected a status such as 404, or a class such as 2xx'),
])
const statuses = z.array(status)

/** A test of a value in a reply. */
const test = z.strictObject({
  path: pointer,
  equals: scalar.optional(),
  in: z.array(scalar).min(1).optional(),
  exists: z.boolean().optional().describe('Whether there is anything but null.'),
})

/** Where a text may hold `{field}`. */
const urlText = z.string().superRefine((text, context) => {
  const { problem } = readUrlParts(text)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})
const path = urlText.refine(
  (text) => text === '' || (text.startsWith('/') && !/[?#\s\\]/.test(text) && !/\/\.{1,2}(\/|$)/.test(text)),
  'expected a path such as /people/{id}, relative to base_url and without a query; the query goes to `query`',
)
const query = z.record(z.string().min(1), z.union([urlText, z.number(), z.boolean()]))
const headers = z.record(z.string(), z.string())

const match = z.strictObject({
  by: z.enum(['index', 'key', 'echo']),
  path: z
    .union([pointer, z.record(z.string(), pointer)])
    .optional()
    .describe('Where it is in an item; for a match of several fields a map of them.'),
  ignore_case: z.boolean().default(false),
})

/** A list in the reply that tells of single rows. */
const rows = z.strictObject({
  items: pointer.describe('The list.'),
  match: match.describe('How an item is matched with its row.'),
  ok: z.union([z.literal('always'), z.literal('never'), test]).describe('When an item says that its row has landed.'),
  error: z.strictObject({ code: pointer.optional(), message: pointer.optional() }).prefault({}),
  not_found: z.array(scalar).default([]).describe('Error codes for: there is no such record.'),
  exists: z.array(scalar).default([]).describe('Error codes for: the record is there already.'),
  retryable: z.array(scalar).default([]).describe('Error codes for: not now.'),
  record_id: pointer.optional().describe('The id of the record, in an item.'),
  created: test.optional().describe('When an item says that its record was made.'),
})

const httpResponse = z.strictObject({
  body: z.enum(['json', 'text', 'ignore']).default('json').describe('What a success answers with.'),
  success: z.strictObject({ status: statuses.min(1).default(['2xx']), body_matches: test.optional() }).prefault({}),
  all_or_nothing: z.boolean().default(false).describe('A success speaks for every row of the request.'),
  rows: z.union([rows, z.array(rows).min(1)]).optional(),
  missing: z.enum(['unknown', 'rejected', 'ok']).default('unknown').describe('A row that no item speaks of.'),
  record_id: pointer.optional().describe('The id of the record, in the reply to a single request.'),
  error: z.strictObject({ code: pointer.optional(), message: pointer.optional() }).prefault({}),
  created: statuses.default([]).describe('Statuses that say that the record was made.'),
  not_found: statuses.default([]).describe('Statuses of an update for: there is no such record.'),
  exists: statuses.default([]).describe('Statuses of an insert for: the record is there already.'),
  treat_as_success: statuses.default([]).describe('Further statuses that are as good as a success.'),
  retryable: statuses.default([408, 425, 429, '5xx']),
  permanent: statuses.default(['4xx']),
  stop: statuses.optional().describe('Statuses that end the run: somebody has to act.'),
  on_batch_reject: z.enum(['bisect', 'reject_all', 'stop']).default('bisect'),
})

const method = z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** What sends changes of one kind. */
export const httpOperation = z
  .strictObject({
    method,
    path: path.default(''),
    query: query.default({}),
    headers: headers.default({}),
    mode: z.enum(['single', 'batch']).default('single'),
    batch: z
      .strictObject({ max_records: z.int().min(1).max(10_000).default(100), max_bytes: byteSize.prefault('1MB') })
      .prefault({}),
    body: z.unknown().optional(),
    format: z.enum(['json', 'ndjson', 'form', 'csv']).default('json'),
    idempotency_key: z
      .strictObject({
        header: z.string().min(1).optional(),
        of: z
          .enum(['content', 'key'])
          .default('content')
          .describe('What it is a hash of, besides object and operation.'),
      })
      .optional(),
    idempotent: z.boolean().optional().describe('Whether sending it again does no harm.'),
    response: httpResponse.prefault({}),
  })
  .superRefine((operation, context) => {
    const refuse = (at: (string | number)[], message: string) => context.addIssue({ code: 'custom', path: at, message })
    const { mode, format, body, response, method: verb } = operation
    if (verb === 'GET' && body !== undefined) refuse(['body'], 'a GET has no body; leave it out')
    if (format === 'csv') {
      if (body !== undefined) refuse(['body'], 'format: csv writes the fields in their order; leave body out')
      if (mode === 'single') refuse(['format'], 'csv is for mode: batch')
    } else if (body !== undefined) {
      const { problems, template } = readTemplate(body, { rows: mode === 'batch' && format !== 'ndjson' })
      for (const problem of problems) refuse(['body', ...problem.path], problem.message)
      if (format === 'form' && !['map', 'merge', 'fields'].includes(template.kind)) {
        refuse(['body'], 'format: form takes a map')
      }
    } else if (mode === 'batch') refuse(['body'], 'a batch needs a body with { $each: … } in it')
    if (mode === 'single' && response.rows !== undefined) refuse(['response', 'rows'], 'rows is for mode: batch')
    if (mode === 'batch' && response.rows === undefined && !response.all_or_nothing) {
      refuse(
        ['response'],
        'a batch needs `rows`, to know what became of each row, or `all_or_nothing: true`, where a success speaks for all',
      )
    }
    if (mode === 'batch' && response.record_id !== undefined) {
      refuse(['response', 'record_id'], 'in a batch, record_id is part of rows')
    }
    const inUrl = [operation.path, ...Object.values(operation.query).map(String)].some((text) => text.includes('{'))
    if (mode === 'batch' && inUrl) refuse(['path'], 'a batch has one URL for all of its records; move {…} to the body')
    for (const [at, { match: by }] of rowRules(response.rows).entries()) {
      const place = Array.isArray(response.rows) ? ['response', 'rows', at, 'match'] : ['response', 'rows', 'match']
      if (by.by !== 'index' && by.path === undefined) refuse([...place, 'path'], `match by ${by.by} needs a path`)
      if (by.by !== 'key' && typeof by.path === 'object') {
        refuse([...place, 'path'], `match by ${by.by} takes one path; a map of them is for match by key`)
      }
      if (by.by === 'echo' && mode === 'batch' && !sendsNumbers(body, format)) {
        refuse([...place, 'by'], 'match by echo wants $row in the body, for the service to say it back')
      }
    }
  })

/** Whether each row carries its number. */
function sendsNumbers(body: unknown, format: string): boolean {
  const { template } = readTemplate(body, { rows: format !== 'ndjson' })
  return format !== 'csv' && [...referencesOf(template)].some(({ kind }) => kind === 'row')
}

const page = z.union([
  z.strictObject({ cursor: pointer, query: z.string().min(1) }),
  z.strictObject({ page: z.string().min(1), first: z.int().min(0).default(1) }),
  z.strictObject({ offset: z.string().min(1) }),
  z.strictObject({ link: z.union([pointer, z.literal('header')]) }),
])

/** How the records of an object are listed, page by page. */
const httpList = z.strictObject({
  method: z.enum(['GET', 'POST']).default('GET'),
  path: path.default(''),
  query: z.record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()])).default({}),
  body: z.unknown().optional(),
  items: pointer,
  keys: z.record(z.string(), pointer).describe('Where each match field is in an item.'),
  next: page.optional().describe('Where the next page is. Default: there is one page.'),
  total: pointer.optional().describe('How many records there are; compared with what came.'),
})

/** How one record is found by its match. */
const httpLookup = z
  .strictObject({
    method: z.enum(['GET', 'POST']).default('GET'),
    path,
    query: query.default({}),
    body: z.unknown().optional(),
    items: pointer.optional().describe('A list of what was found. Default: the reply is the record.'),
    keys: z.record(z.string(), pointer).describe('Where each match field is: what does not fit is not it.'),
    ignore_case: z.boolean().default(false),
    record_id: pointer,
    not_found: statuses.optional().describe('Statuses for: nothing was found. Default: 404, and none for a list.'),
    consistent: z.boolean().default(false).describe('Whether a record is found as soon as it is made.'),
  })
  .superRefine(({ method: verb, path: written, query: asked, body }, context) => {
    const refuse = (at: (string | number)[], message: string) => context.addIssue({ code: 'custom', path: at, message })
    const unknown = 'the id is what a lookup finds: look by the match'
    const names = [written, ...Object.values(asked).map(String)].flatMap((text) => namesOf(readUrlParts(text).parts))
    if (names.includes('$id')) refuse(['path'], unknown)
    if (body === undefined) return
    if (verb === 'GET') refuse(['body'], 'a GET has no body; leave it out, or use method: POST')
    const { problems, template } = readTemplate(body, { rows: false })
    for (const problem of problems) refuse(['body', ...problem.path], problem.message)
    if ([...referencesOf(template)].some(({ kind }) => kind === 'id')) refuse(['body'], unknown)
  })

export const httpObject = z.strictObject({
  match: z.array(z.string().min(1)).min(1).optional().describe('Fields that find a record. Default: any.'),
  ignore_case: z.boolean().default(false).describe('Match values that differ in case alone are one record.'),
  shared: z.boolean().default(true).describe('People edit it by hand too.'),
  insert: httpOperation.optional(),
  upsert: httpOperation.optional(),
  update: httpOperation.optional(),
  delete: httpOperation.optional(),
  list: httpList.optional(),
  lookup: httpLookup.optional(),
})

export type HttpOperation = z.output<typeof httpOperation>
export type HttpResponse = z.output<typeof httpResponse>
export type HttpRowRule = z.output<typeof rows>
export type HttpTest = z.output<typeof test>
export type HttpStatus = z.output<typeof status>
export type HttpList = z.output<typeof httpList>
export type HttpLookup = z.output<typeof httpLookup>
export type HttpObject = z.output<typeof httpObject>

export function rowRules(written: HttpResponse['rows']): readonly HttpRowRule[] {
  return written === undefined ? [] : Array.isArray(written) ? written : [written]
}

/** Whether a status is among those; `4xx` is all of that class. */
export function isStatus(given: number, among: readonly HttpStatus[]): boolean {
  return among.some((one) => one === given || one === `${Math.floor(given / 100)}xx`)
}
