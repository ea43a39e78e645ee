import type { Operation } from '../core/change.ts'
import type { Clock } from '../core/clock.ts'
import type { ObjectRequest } from '../core/destination.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import { READ } from './http-lookup.ts'
import { bodyReferences, operationsOf, routeOf, urlNames } from './http-modes.ts'
import { type HttpObject, type HttpOperation, rowRules } from './http-operation-options.ts'
import type { HttpOptions } from './http-options.ts'
import { compileOperation, makeRequest } from './http-request.ts'
import type { Row } from './http-rows.ts'
import type { HttpSender } from './http-sender.ts'
import { verdictOf } from './http-verdict.ts'

/** The operations that a sync of that kind may send, as the engine and the routes divide them. */
function usedOperations(object: HttpObject, request: ObjectRequest): readonly Operation[] {
  const allows = SYNC_MODES[request.mode]
  const asked: Operation[] = []
  if (allows.insert) asked.push(allows.update ? 'upsert' : 'insert')
  if (allows.update || request.retires !== undefined) asked.push('update')
  if (allows.delete && request.retires === undefined) asked.push('delete')
  const used = asked.flatMap((operation): Operation[] => {
    const route = routeOf(object, operation, request.mode)
    if (typeof route === 'string')
      throw configurationError('unsupported_mode', `${request.name}: ${route}; declare it, or use another mode`)
    if (route.by === 'operation') return [route.operation]
    return operation === 'insert' ? ['insert'] : ['insert', 'update']
  })
  return [...new Set(used)]
}

/** What of the fields does not fit the templates; all of it at once. */
export function templateProblems(object: HttpObject, request: ObjectRequest): readonly string[] {
  const names = request.fields.map(({ name }) => name)
  const matched = new Set(request.match)
  const problems: string[] = []
  const used = usedOperations(object, request)
  for (const [name, operation] of operationsOf(object)) {
    if (!used.includes(name)) continue
    const known = name === 'delete' ? request.match : names
    const refuse = (reference: string, where: string) => {
      const why = names.includes(reference)
        ? `${reference} is no match field, and a delete has only those`
        : `the sync has no field ${reference}${suggestion(reference, names)}`
      problems.push(`${name}.${where}: ${why}`)
    }
    for (const reference of urlNames(operation)) {
      if (!reference.startsWith('$') && !known.includes(reference)) refuse(reference, 'path')
      if (reference === '$key' && request.match.length > 1) {
        problems.push(
          `${name}.path: {$key} is one value, and the match has ${request.match.length} fields: name each of them`,
        )
      }
    }
    for (const reference of bodyReferences(operation)) {
      if (reference.kind === 'field' && !known.includes(reference.name)) refuse(reference.name, 'body')
    }
    if (name !== 'insert' && !mentionsRecord(operation, matched)) {
      const wanted = request.match.join(', ')
      problems.push(
        `${name}: neither path nor body says which record is meant: use $key, $record, or the field ${wanted}`,
      )
    }
    problems.push(...shapeProblems(operation, request).map((problem) => `${name}.${problem}`))
    const skipped = name === 'delete' ? undefined : request.fields.find(({ nulls }) => nulls === 'skip')
    if (operation.format === 'csv' && name !== 'insert' && skipped !== undefined) {
      problems.push(
        `${name}: CSV has no place for a value that stays as it is: leave \`nulls: skip\` of ${skipped.name} out`,
      )
    }
    const forInserts = request.fields.find(({ on }) => on === 'insert')
    if (name === 'upsert' && forInserts !== undefined && !bodyReferences(operation).some(isOnInsert)) {
      problems.push(
        `upsert: ${forInserts.name} is for inserts only, and the body has no place for that ($on_insert): leave \`on: insert\` out, or ` +
          'declare insert and update in the place of upsert',
      )
    }
  }
  problems.push(...lookupProblems(object, request, used.includes('delete') ? request.match : names))
  return problems
}

/** What depends on how many fields the match has. */
function shapeProblems(operation: HttpOperation, { match }: ObjectRequest): string[] {
  const problems = rowRules(operation.response.rows).flatMap(({ match: { by, path } }) => {
    if (by !== 'key' || path === undefined) return []
    const missing = typeof path === 'string' ? match.slice(1) : match.filter((field) => path[field] === undefined)
    return missing.map(
      (field) => `response.rows.match.path: it does not say where ${field} is, which is part of the match`,
    )
  })
  const merged = bodyReferences(operation).flatMap((part) => (part.kind === 'merge' ? part.parts : []))
  if (match.length === 1 && merged.some(({ kind }) => kind === 'key'))
    problems.push('body: $key is one value here, and $merge takes maps: give it a name')
  return problems
}

function lookupProblems({ list, lookup }: HttpObject, { match }: ObjectRequest, known: readonly string[]): string[] {
  const problems = Object.entries({ list, lookup }).flatMap(([name, part]) => {
    if (part === undefined) return []
    const missing = match.filter((field) => part.keys[field] === undefined)
    return missing.map((field) => `${name}.keys: it does not say where ${field} is, by which records are matched`)
  })
  if (lookup === undefined) return problems
  const inUrl = urlNames(lookup)
  if (inUrl.includes('$key') && match.length > 1)
    problems.push(`lookup.path: {$key} is one value, and the match has ${match.length} fields: name each of them`)
  const inBody = bodyReferences({ body: lookup.body, mode: 'single', format: 'json' })
  const named = [...inUrl, ...inBody.flatMap((part) => (part.kind === 'field' ? [part.name] : []))]
  const strange = named.filter((name) => !name.startsWith('$') && !known.includes(name))
  return [
    ...problems,
    ...strange.map(
      (name) => `lookup: there is no field ${name} to look by${suggestion(name, known)}; there are ${known.join(', ')}`,
    ),
  ]
}

function isOnInsert(reference: ReturnType<typeof bodyReferences>[number]): boolean {
  return reference.kind === 'fields' && reference.of === 'on_insert'
}

function mentionsRecord(operation: HttpOperation, match: ReadonlySet<string>): boolean {
  if (operation.format === 'csv') return true
  if (urlNames(operation).some((name) => name === '$key' || name === '$id' || match.has(name))) return true
  return bodyReferences(operation).some((reference) => {
    if (reference.kind === 'key' || reference.kind === 'id') return true
    if (reference.kind === 'field') return match.has(reference.name)
    if (reference.kind !== 'fields' || reference.of !== 'record') return false
    return [...match].every((name) => !reference.except.has(name) && (reference.only?.has(name) ?? true))
  })
}

/** The requests as they will be, with the names of the fields in the places of their values; for `plan`. */
export function shownOperations(
  name: string,
  object: HttpObject,
  request: ObjectRequest,
  options: HttpOptions,
): string[] {
  return usedOperations(object, request).map((operation) => {
    const compiled = compileOperation(operation, object[operation] as HttpOperation)
    const fields = operation === 'delete' ? request.fields.slice(0, request.match.length) : request.fields
    const row: Row = {
      number: 0,
      operation,
      // Texts, so that the names can stand there.
      fields: fields.map((field) => ({ ...field, kind: 'text' })),
      match: request.match.length,
      values: fields.map((field) => `<${field.name}>`),
      id: '<id>',
      timestamps: options.timestamps,
    }
    const { method, url, body } = makeRequest(compiled, [row], {
      baseUrl: options.baseUrl,
      headers: {},
      object: name,
      mark: '',
    })
    const most = compiled.operation.mode === 'batch' ? `, up to ${compiled.operation.batch.max_records} records` : ''
    const shown = url.replaceAll('%3C', '<').replaceAll('%3E', '>')
    return `${operation}: ${method} ${shown}${most}${body === undefined ? '' : ` ${body.trim()}`}`
  })
}

/** Asks the service whether it knows who is asking. Throws FatalError where it does not. */
export async function checkAccess(
  options: HttpOptions,
  sender: HttpSender,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  await sender.signIn(signal)
  if (options.check === undefined) return
  const url = `${options.baseUrl}${options.check}`
  const reply = await sender.send({ method: 'GET', url, headers: options.headers }, signal)
  const operation = { ...READ, response: { ...READ.response, body: 'ignore' as const } }
  const verdict = verdictOf(reply, { name: 'update', operation, retryAfter: options.retryAfter, now: clock.now() })
  if (verdict.kind !== 'refused') return
  const message = `${reply.what} was refused (${verdict.message}): correct base_url, the credentials or \`check\` of the connection`
  throw configurationError('check_failed', message)
}
