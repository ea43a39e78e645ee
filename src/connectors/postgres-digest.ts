import { createHash } from 'node:crypto'
import { quoteIdentifier } from './postgres-identifiers.ts'
import type { PostgresColumn } from './postgres-types.ts'

/**
 * The fingerprint of a row of the model, computed by the server: 64 bits, as a bigint. Each column is hashed with a seed
 * of its own, which is as good as a function of its own, and the hashes are combined by XOR. So whatever differs between
 * two rows, in one column or in several, at once or crosswise, their fingerprints agree with a chance of 2^-64. Postgres'
 * own hash of a record does not reach that: it adds multiples of 31, so that two columns that change places may cancel
 * out, and of a bigint or a timestamp it knows 32 bits.
 *
 * What is hashed is the text that COPY would send, or what stands for it one to one. No notion of equality that a type
 * may have comes in: 1.0 and 1.00 differ, 'a' and 'A' of a case-insensitive text, 1 day and 24 hours.
 */
export function digestExpression(
  columns: readonly PostgresColumn[],
  seed: { readonly high: number; readonly low: number },
): string {
  const terms = columns.map((column, place) => {
    const words = createHash('sha256')
      .update(`${seed.high >>> 0} ${seed.low >>> 0} ${place}`)
      .digest()
    const [own, other, none] = [0, 8, 16].map((at) => `'${words.readBigInt64BE(at)}'::pg_catalog.int8`)
    return `COALESCE(${hashOf(column, own as string, other as string)}, ${none})`
  })
  return terms.join(' # ')
}

/** Null for a null. */
function hashOf(column: PostgresColumn, seed: string, other: string): string {
  const value = `model.${quoteIdentifier(column.name)}`
  switch (column.type) {
    case 'boolean':
    case 'smallint':
    case 'integer':
      return `pg_catalog.hashint4extended(${value}::pg_catalog.int4, ${seed})`
    // It is folded to 32 bits before it is hashed. Those and its upper half are the whole again.
    case 'bigint': {
      const upper = `(${value} >> 32)::pg_catalog.int4`
      return `pg_catalog.hashint8extended(${value}, ${seed}) # pg_catalog.hashint4extended(${upper}, ${other})`
    }
    // A type with a cast of its own to text may cast to another text than it prints. In a record it prints, and a null
    // is nothing at all there, where an empty text is in quotes.
    default: {
      const text = `${column.readsAsText ? value : `ROW(${value})`}::pg_catalog.text COLLATE pg_catalog."C"`
      return `pg_catalog.hashtextextended(${text}, ${seed})`
    }
  }
}
