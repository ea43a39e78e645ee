import type { Field, Operation } from '../core/change.ts'
import { configurationError } from '../core/errors.ts'
import { csvLine, jsonMembers } from './written-rows.ts'

/** How changes are written down for a program that carries them out. */

type Values = readonly (string | null)[]

/**
 * `{"op":"update","key":{"id":1},"fields":{"name":"Zoë"}}`. The first `match` fields are the key. `fields` is what has
 * to be written whether or not the record is there; `on_insert`, where there is any, only if it is made. A field that
 * has to stay as it is is not there at all.
 */
export function changeAsJson(operation: Operation, fields: readonly Field[], values: Values, match: number): string {
  const key = jsonMembers(fields.slice(0, match), values)
  if (operation === 'delete') return `{"op":"delete","key":{${key}}}\n`
  const always: number[] = []
  const onInsert: number[] = []
  for (let index = match; index < fields.length; index++) {
    const { nulls, on } = fields[index] as Field
    const isMade = operation === 'insert'
    if (on === 'insert' && !isMade) onInsert.push(index)
    else if (isMade || nulls === 'write' || values[index] !== null) always.push(index)
  }
  const members = (indexes: readonly number[]) =>
    jsonMembers(
      indexes.map((index) => fields[index] as Field),
      indexes.map((index) => values[index] ?? null),
    )
  const extra = operation === 'upsert' && onInsert.length > 0 ? `,"on_insert":{${members(onInsert)}}` : ''
  return `{"op":"${operation}","key":{${key}},"fields":{${members(always)}}${extra}}\n`
}

/** `update,1,Zoë`. `places` says for each column which value it gets; a delete has the key alone. */
export function changeAsCsv(operation: Operation, values: Values, places: readonly number[]): string {
  // A column that is not there looks like a null: right for a delete, which needs none, and wrong for all else.
  if (operation !== 'delete' && places.includes(-1)) throw notInCsv('deletes.as sets some fields and leaves others')
  return csvLine([operation, ...places.map((place) => values[place] ?? null)])
}

/** Throws FatalError where CSV has no way to say that a field stays as it is. */
export function refuseForCsv(fields: readonly Field[]): void {
  const field = fields.find(({ nulls, on }) => nulls === 'skip' || on === 'insert')
  if (field === undefined) return
  throw notInCsv(`${field.name} is ${field.on === 'insert' ? 'for inserts only' : 'skipped where it is null'}`)
}

function notInCsv(why: string): Error {
  return configurationError(
    'changes_not_in_csv',
    `changes as CSV cannot say that a field stays as it is (${why}): use format: ndjson`,
  )
}
