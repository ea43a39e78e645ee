/**
 * How a key column is turned into bytes whose order is the order the source sorts by.
 * `text` covers every type that has no shorter form: its output text, ordered by byte.
 */
export type KeyEncoding = 'integer' | 'text' | 'uuid' | 'bytes' | 'boolean' | 'date' | 'timestamp' | 'timestamptz'

/** What a value means, for destinations that have to turn canonical text into something else. */
export type ValueKind =
  | 'text'
  | 'integer'
  | 'decimal'
  | 'float'
  | 'boolean'
  | 'bytes'
  | 'date'
  | 'timestamp'
  | 'json'
  | 'other'

/** A column of the model. */
export interface Column {
  readonly name: string
  /** Type as Postgres prints it (`numeric(12,2)`, `text`); `text` where a source has no types. */
  readonly type: string
  readonly kind: ValueKind
  readonly keyEncoding: KeyEncoding
}
