import type { ChangeBatch, Field } from '../core/change.ts'
import type { Destination } from '../core/destination.ts'
import type { KeyIndex } from '../core/key-index.ts'
import { DONE, type Outcome } from '../core/outcome.ts'

/** A change that a run would send. */
export interface ChangeSample {
  readonly operation: 'insert' | 'update' | 'delete'
  /** Readable form of the key. */
  readonly key: string
  /** What would be written, by field; null for a delete. Old values are not known: the index holds fingerprints. */
  readonly values: Readonly<Record<string, string | null>> | null
}

/**
 * Accepts everything, writes nothing and tells what it was given: a dry run is an ordinary run into this. What it matches
 * by is what the real one does; `keyOf` reads the key off the values of a change, match fields first.
 */
export function acceptAll(
  real: Pick<Destination, 'identity'>,
  keyOf: (values: readonly (string | null)[]) => string,
  deleteFields: readonly Field[],
  onChange: (sample: ChangeSample) => void,
): Destination {
  const { identity } = real
  return {
    ...(identity && { identity: (values) => identity.call(real, values) }),
    check: async () => [],
    prepare: async () => {},
    async write(batch: ChangeBatch): Promise<readonly Outcome[]> {
      const isDelete = batch.operation === 'delete' || batch.fields === deleteFields
      const operation = isDelete ? 'delete' : batch.operation === 'update' ? 'update' : 'insert'
      for (let index = 0; index < batch.count; index++) {
        const values = batch.values(index)
        const named = Object.create(null) as Record<string, string | null>
        for (const [at, field] of batch.fields.entries()) named[field.name] = values[at] ?? null
        onChange({ operation, key: keyOf(values), values: isDelete ? null : named })
      }
      return new Array<Outcome>(batch.count).fill(DONE)
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** The index as it is, which does not keep what it is told: the other half of a dry run. */
export function forgetful(index: KeyIndex): KeyIndex {
  return {
    seed: index.seed,
    scan: () => index.scan(),
    lane: () => ({ intend() {}, put() {} }),
    commit() {},
    compact() {},
  }
}
