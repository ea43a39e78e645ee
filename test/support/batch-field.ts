import type { Field } from '../../src/core/change.ts'
import type { ValueKind } from '../../src/core/column.ts'
import { TYPE_OF } from '../../src/testing/contract-record.ts'

/** A field of a batch: text, written always, nulls included, unless said otherwise. */
export function field(name: string, kind: ValueKind = 'text', overrides: Partial<Field> = {}): Field {
  return { name, kind, type: TYPE_OF[kind], nulls: 'write', on: 'always', ...overrides }
}
