import type { Operation } from '../core/change.ts'
import type { ObjectDeclaration } from '../core/destination.ts'
import { SYNC_MODE_NAMES, type SyncMode } from '../core/sync-mode.ts'
import type { HttpObject, HttpOperation } from './http-operation-options.ts'
import { rowRules } from './http-operation-options.ts'
import { readTemplate, referencesOf } from './http-template.ts'
import { namesOf, readUrlParts } from './http-url-parts.ts'

/** How one kind of change is carried out. */
type Route =
  | { readonly by: 'operation'; readonly operation: Operation }
  /** Insert, and where the service says that the record is there already, update it. */
  | { readonly by: 'insert_or_update' }
  /** Look the record up, then insert it, or update what was found; an insert leaves that as it is. */
  | { readonly by: 'lookup' }

/** How a change of that kind is carried out in that mode; a text says why it cannot be. */
export function routeOf(object: HttpObject, operation: Operation, mode: SyncMode): Route | string {
  const has = (name: Operation) => object[name] !== undefined
  switch (operation) {
    case 'delete':
      return has('delete') ? { by: 'operation', operation } : 'there is no `delete`'
    case 'insert':
      if (object.insert === undefined) return 'there is no `insert`'
      // The lookup says what the answer does not.
      if (object.lookup !== undefined && !answersExists(object.insert)) return { by: 'lookup' }
      return { by: 'operation', operation }
    case 'update':
      if (has('update')) return { by: 'operation', operation }
      if (mode === 'update-only') return 'there is no `update`'
      return has('upsert') ? { by: 'operation', operation: 'upsert' } : 'there is neither `update` nor `upsert`'
    case 'upsert':
      if (has('upsert')) return { by: 'operation', operation }
      if (!has('insert') || !has('update')) return 'there is no `upsert`, and not both of `insert` and `update`'
      if (answersExists(object.insert as HttpOperation)) return { by: 'insert_or_update' }
      if (insertsAgain(object) === 'twice') {
        return (
          'there is no `upsert`, and an `insert` that is sent again after a lost answer makes a second record: declare what it ' +
          'answers where the record is there (`exists`), a consistent `lookup`, or an `idempotency_key`'
        )
      }
      return object.lookup === undefined ? { by: 'operation', operation: 'insert' } : { by: 'lookup' }
  }
}

/** Why an object does not support a mode; undefined where it does. */
export function refusalOf(object: HttpObject, mode: SyncMode): string | undefined {
  const lacks = (operation: Operation) => {
    const route = routeOf(object, operation, mode)
    return typeof route === 'string' ? route : undefined
  }
  const unreachable = (operation: 'update' | 'delete') => {
    if (!usesId(object[operation]) || object.lookup !== undefined || isLinked(object)) return undefined
    return knowsIds(object)
      ? `\`${operation}\` names records by {$id} and another operation does not: use {$id} in all that change or delete, or declare a lookup`
      : `\`${operation}\` needs {$id}, and nothing says what the id of a record is: declare record_id or lookup`
  }
  switch (mode) {
    case 'insert-only':
      return lacks('insert')
    case 'upsert':
      return lacks('upsert') ?? lacks('update') ?? unreachable('update')
    case 'mirror':
      return refusalOf(object, 'upsert') ?? lacks('delete') ?? unreachable('delete')
    case 'update-only':
      if (lacks('update') !== undefined) return lacks('update')
      if (
        !answersNotFound(object.update as HttpOperation) &&
        object.lookup === undefined &&
        object.list === undefined
      ) {
        return '`update` does not say how it answers where there is no such record (`not_found`), and there is no `list`'
      }
      return unreachable('update')
    case 'delete-only':
      if (object.list === undefined) return 'there is no `list`, so nobody knows which records there are to delete'
      return lacks('delete') ?? unreachable('delete')
  }
}

/** What an object of a connection can do. */
export function declarationOf(object: HttpObject, concurrency: number): ObjectDeclaration {
  const operations = [object.insert, object.upsert, object.update, object.delete].filter((one) => one !== undefined)
  const bytes = operations.map(({ mode, batch }) => (mode === 'batch' ? batch.max_bytes : 1_000_000))
  const refusals = SYNC_MODE_NAMES.flatMap((mode) => {
    const reason = refusalOf(object, mode)
    return reason === undefined ? [] : [[mode, reason] as const]
  })
  const refusedModes = Object.fromEntries(refusals)
  return {
    syncModes: SYNC_MODE_NAMES.filter((mode) => !Object.hasOwn(refusedModes, mode)),
    refusedModes,
    limits: { rows: rowsAtOnce(object), bytes: Math.max(1, ...bytes), inFlight: concurrency },
    shared: object.shared,
    lists: object.list === undefined ? 'never' : 'paged',
    match: object.match ?? 'any',
    deletesAs: object.delete === undefined ? [] : ['delete'],
    creates: false,
    links: isLinked(object),
    insertsAgain: insertsAgain(object),
  }
}

/**
 * What is not safe to repeat is sent in one request for each write, so that what is known is never mixed with what is not;
 * the rest may be several requests.
 */
function rowsAtOnce(object: HttpObject): number {
  const sizes = operationsOf(object).map(([name, operation]) => ({
    size: operation.mode === 'batch' ? operation.batch.max_records : 1,
    repeatable: isRepeatable(name, operation),
  }))
  // Several steps for one record: each is a request of its own.
  const steps = object.upsert === undefined && object.insert !== undefined && object.update !== undefined
  const fixed = sizes.filter(({ repeatable }) => !repeatable).map(({ size }) => size)
  if (steps || object.lookup !== undefined) fixed.push(1)
  return Math.min(...fixed, Math.max(1, ...sizes.map(({ size }) => size)))
}

export function operationsOf(object: HttpObject): readonly (readonly [Operation, HttpOperation])[] {
  return (['insert', 'upsert', 'update', 'delete'] as const).flatMap((name) => {
    const operation = object[name]
    return operation === undefined ? [] : [[name, operation] as const]
  })
}

/** Whether sending a request again does no harm. */
export function isRepeatable(name: Operation, operation: HttpOperation): boolean {
  if (operation.idempotent !== undefined) return operation.idempotent
  if (hasIdempotencyKey(operation) || operation.method === 'PUT' || operation.method === 'DELETE') return true
  return name !== 'insert' || answersExists(operation)
}

/** Whether an insert whose answer was lost, and that a later run sends again, leaves one record. */
function insertsAgain(object: HttpObject): 'once' | 'twice' {
  const once = (name: 'insert' | 'upsert') => {
    const operation = object[name]
    if (operation === undefined) return undefined
    if (operation.idempotent !== undefined) return operation.idempotent
    // The key of a batch is another one when a later run puts other rows together.
    if (operation.mode === 'single' && hasIdempotencyKey(operation)) return true
    if (name === 'upsert' || operation.method === 'PUT') return true
    return answersExists(operation) || object.lookup?.consistent === true
  }
  return [once('insert'), once('upsert')].includes(false) ? 'twice' : 'once'
}

/** Whether an operation carries a key by which the service knows it again. */
export function hasIdempotencyKey(operation: HttpOperation): boolean {
  if (operation.idempotency_key?.header !== undefined) return true
  return bodyReferences(operation).some(({ kind }) => kind === 'idempotency_key')
}

function answersExists({ response }: HttpOperation): boolean {
  return response.exists.length > 0 || rowRules(response.rows).some(({ exists }) => exists.length > 0)
}

function answersNotFound({ response }: HttpOperation): boolean {
  return response.not_found.length > 0 || rowRules(response.rows).some(({ not_found }) => not_found.length > 0)
}

/** Whether a request names the record by the service's own id. */
export function usesId(operation: HttpOperation | undefined): boolean {
  if (operation === undefined) return false
  return urlNames(operation).includes('$id') || bodyReferences(operation).some(({ kind }) => kind === 'id')
}

/** Whether ids of records are learnt from replies. */
function knowsIds(object: HttpObject): boolean {
  if (object.lookup !== undefined) return true
  return operationsOf(object).some(
    ([, { response }]) =>
      response.record_id !== undefined || rowRules(response.rows).some(({ record_id }) => record_id !== undefined),
  )
}

/** Whether ids are worth keeping: whatever changes or deletes a record names it by its id. */
function isLinked(object: HttpObject): boolean {
  const changing = [object.update ?? object.upsert, object.delete].filter((one) => one !== undefined)
  return knowsIds(object) && changing.length > 0 && changing.every(usesId)
}

/** Names between braces in path and query. */
export function urlNames(operation: Pick<HttpOperation, 'path' | 'query'>): readonly string[] {
  return [operation.path, ...Object.values(operation.query).map(String)].flatMap((text) => [
    ...namesOf(readUrlParts(text).parts),
  ])
}

export function bodyReferences({ body, mode, format }: Pick<HttpOperation, 'body' | 'mode' | 'format'>) {
  if (body === undefined) return []
  return [...referencesOf(readTemplate(body, { rows: mode === 'batch' && format !== 'ndjson' }).template)]
}
