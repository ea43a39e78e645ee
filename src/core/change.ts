import type { ValueKind } from './column.ts'

/**
 * What a batch asks the destination to do.
 * - `insert`: create; a record with the same match is left alone and answered `exists`.
 * - `upsert`: create, or update what has the same match. Sending it twice leaves one record.
 * - `update`: change the record with that match; `not_found` where there is none.
 * - `delete`: remove the record with that match; fine where there is none.
 */
export type Operation = 'insert' | 'upsert' | 'update' | 'delete'

/** A field of the destination that a batch carries. */
export interface Field {
  readonly name: string
  readonly kind: ValueKind
  /** Type as the source's Postgres prints it; used where the destination creates the field. */
  readonly type: string
  /** `skip`: a null leaves the field of an existing record as it is. */
  readonly nulls: 'write' | 'skip'
  /** `insert`: written only when the record is created. */
  readonly on: 'always' | 'insert'
}

/** Changes of one operation, within the limits the destination declared. */
export interface ChangeBatch {
  readonly operation: Operation
  /** The first fields are the match fields, in key order. The same array object as long as nothing changes. */
  readonly fields: readonly Field[]
  readonly count: number
  /** The values as COPY text lines, one per change, fields in order; `ends[i]` is behind line `i`. */
  readonly text: Buffer
  readonly ends: Uint32Array
  /** The values of change `index`: canonical text, or null. */
  values(index: number): (string | null)[]
  /** The destination's own ids of the records, where they are known; only for destinations that declare `links`. */
  readonly ids?: readonly (string | undefined)[]
}
