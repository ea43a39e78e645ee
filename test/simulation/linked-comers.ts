import type { Row } from '../support/row-batches.ts'
import { identityOf, type LinkedRecord } from './linked-records.ts'

/** A record as the destination last said that it was written for a row. */
export interface Held {
  readonly id: string
  readonly email: string
  readonly v: string | null
}

/** What is known of rows and records; rows and records by key and by id. */
export interface Acquaintance {
  /** Of the model, each with a key of its own. */
  readonly rows: readonly Row[]
  readonly records: readonly LinkedRecord[]
  readonly held: ReadonlyMap<string, Held>
  /** Records that may be other rows' by now: the keys of those. */
  readonly handedOn: ReadonlyMap<string, ReadonlySet<string>>
  /** Keys of rows that may have a record nobody has heard of. */
  readonly unsure: ReadonlySet<string>
  /** By key, the e-mails that its record may have got without an answer. */
  readonly sentEmails: ReadonlyMap<string, ReadonlySet<string>>
}

/**
 * Keys of rows that come for a record whose own row is gone: they have its e-mail, and no record. `perhaps` takes those, too,
 * of which that is only possible.
 */
export function comersFor(record: LinkedRecord, how: 'certainly' | 'perhaps', known: Acquaintance): string[] {
  const { rows, records, held, handedOn, unsure, sentEmails } = known
  const { id, ref, email } = record
  const isOwned = (its: string) => how === 'certainly' || !handedOn.has(its)
  const owners = new Set<string | null>()
  for (const other of records) if (isOwned(other.id)) owners.add(other.ref)
  for (const [key, { id: its }] of held) if (isOwned(its)) owners.add(key)
  if (how === 'certainly') {
    for (const key of unsure) owners.add(key)
    for (const [other, keys] of handedOn) if (other !== id) for (const key of keys) owners.add(key)
  }
  const identities = new Set([
    identityOf(email),
    ...((how === 'perhaps' ? sentEmails.get(ref ?? '') : undefined) ?? []),
  ])
  return rows.flatMap(([key, , its]) => {
    if (key == null || its == null || key === ref || owners.has(key)) return []
    return identities.has(identityOf(its)) ? [key] : []
  })
}
