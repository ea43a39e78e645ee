import type { Operation } from '../core/change.ts'
import type { KeyEncoding } from '../core/column.ts'
import { decodeRow } from '../core/copy-text.ts'
import { GONE } from '../core/key-entry.ts'
import { printKey } from '../core/key-text.ts'
import type { SettledOutcome } from '../core/outcome.ts'
import type { RecordLink, RecordLinks } from '../core/record-links.ts'
import type { ChangeOf } from './entry-transitions.ts'
import type { Packed, PendingBatch } from './pending-batch.ts'

type Values = readonly (string | null)[]

/** The records of a destination that knows them by ids of its own, as a run of one sync sees them. */
export interface LinkedRecords {
  readonly links: RecordLinks
  /** Whether a record is found by what the key maps to. */
  readonly matchIsKey: boolean
  readonly matchFields: number
  /** What the destination compares when it matches. */
  readonly identity: (match: Values) => string
}

/** That a change is about the record of that identity. */
export interface Claim {
  readonly identity: string
  /** Null where match is the key. */
  readonly match: Values | null
  /** What was known of the record when the change was sent. */
  before: RecordLink | undefined
  /** The match that an unanswered change was sent with, where it is another: the record has to be found by that one first. */
  former: Values | null
}

/** Why a row is not sent. */
export interface Refusal {
  readonly code: string
  readonly message: string
}

/** Whether the destination's answer to the change named the record of another key. */
export function isAnothers(outcome: SettledOutcome | undefined): boolean {
  return outcome?.status === 'rejected' && outcome.code === 'same_record'
}

/** Where the destination has no idea of equality of its own. */
export function plainIdentity(match: Values): string {
  return match.length === 1 ? String(match[0]) : JSON.stringify(match)
}

/**
 * Keeps one record to one key. A row claims the identity of its record before it is sent, in the same commit as its intent.
 * A claim ends when the record is known not to be there, and that to an earlier identity when the change of it is
 * acknowledged.
 */
export class Claims {
  readonly #records: LinkedRecords
  readonly #encodings: readonly KeyEncoding[]
  readonly #resend: boolean
  /** Identities of rows that wait in a batch, or whose record is being found by a former match. */
  readonly #waiting = new Map<string, Buffer>()

  constructor(records: LinkedRecords, encodings: readonly KeyEncoding[], resend: boolean) {
    this.#records = records
    this.#encodings = encodings
    this.#resend = resend
  }

  /** The claim of a row whose line, match fields first, is `bytes[from .. to)`; or why it has none. */
  claim(key: Buffer, bytes: Buffer, from: number, to: number): Claim | Refusal {
    const { links, matchIsKey, matchFields, identity: identityOf } = this.#records
    const match = decodeRow(bytes, from, to).slice(0, matchFields)
    if (match.includes(null)) {
      const message =
        'a match field is null, so no record could be found by it; fill it in the model, or leave such rows out'
      return { code: 'missing_match', message }
    }
    const identity = identityOf(match)
    const waiting = this.#waiting.get(identity)
    const owner = waiting ?? this.#linked(identity)
    if (owner !== undefined && !owner.equals(key)) {
      if (waiting !== undefined || links.get(owner)?.retired !== true) {
        // A row that has no record is perhaps the owner's under another key.
        if (links.get(key) === undefined) links.wanted.want(owner, key)
        return { code: 'duplicate_match', message: this.#duplicate(key, owner) }
      }
      // What is deleted for its key may live on for another.
      links.remove(owner)
    }
    this.#waiting.set(identity, Buffer.from(key))
    return { identity, match: matchIsKey ? null : match, before: undefined, former: null }
  }

  /** Stages the links of a batch that is about to be sent, and tells it the ids of its records. */
  intend(kind: ChangeOf, operation: Operation, batch: PendingBatch): void {
    const { links } = this.#records
    const ids: (string | undefined)[] = []
    for (let index = 0; index < batch.count; index++) {
      const key = batch.key(index)
      const before = links.get(key)
      ids.push(before?.id ?? undefined)
      if (kind === 'delete') continue
      const claim = batch.claims[index] as Claim
      claim.before = before
      if (operation !== 'insert') claim.former = this.#formerOf(key, before, claim)
      // Until the answer the entry is unsure: nothing else has to say that the record may have been overwritten.
      if (claim.former === null) this.#hold(key, claim, before?.id ?? null, false)
    }
    batch.ids = ids
  }

  /** A record that was sent under a former match is known by its id now, or known not to be there. */
  found(batch: PendingBatch, index: number, id: string | null): void {
    const { links } = this.#records
    const claim = batch.claims[index] as Claim
    const key = batch.key(index)
    this.#hold(key, claim, id, links.get(key)?.overwritten ?? false)
    if (batch.ids !== undefined) batch.ids[index] = id ?? undefined
  }

  /**
   * The outcome, or that the record is another key's: it is marked as overwritten then, and keeps its key. `sent`: by which
   * match the change was sent; that one is the alias.
   */
  check(
    batch: PendingBatch,
    index: number,
    outcome: SettledOutcome | undefined,
    sent: 'as it is' | 'by its former match',
  ): SettledOutcome | undefined {
    if (outcome?.status !== 'done' || outcome.id === undefined) return outcome
    const { links } = this.#records
    const key = batch.key(index)
    const owner = links.ownerOfId(outcome.id)
    const link = owner === undefined || owner.equals(key) ? undefined : links.get(owner)
    if (owner === undefined || link === undefined || link.retired) {
      if (owner !== undefined && link !== undefined) links.remove(owner)
      // At once: the next answer may name the same record.
      const own = links.get(key)
      if (own !== undefined && own.id !== outcome.id) links.put(key, { ...own, id: outcome.id })
      return outcome
    }
    const claim = batch.claims[index] as Claim
    const former = sent === 'by its former match' ? claim.former : null
    const identity = former === null ? claim.identity : this.#records.identity(former)
    const aliases = link.identities.includes(identity) ? link.aliases : [...new Set([...link.aliases, identity])]
    links.wanted.want(owner, key)
    links.put(owner, { ...link, aliases, overwritten: true })
    return {
      status: 'rejected',
      code: 'same_record',
      message:
        `the destination took this row for record ${outcome.id}, which is that of key ${printKey(this.#encodings, owner)}; ` +
        'leave one of the two rows out of the model, or part the records at the destination',
    }
  }

  /** Brings the link of a change in line with what the index says after the answer. */
  settle(
    kind: ChangeOf,
    batch: PendingBatch,
    index: number,
    answer: {
      readonly outcome: SettledOutcome | undefined
      readonly entry: Packed | undefined
      readonly retried: boolean
      readonly unapplied: boolean
      readonly absent: boolean
    },
  ): void {
    const { links, matchIsKey } = this.#records
    const { outcome, entry } = answer
    const key = batch.key(index)
    const link = links.get(key)
    if (kind === 'delete') {
      if (entry?.state === GONE) links.remove(key)
      else if (outcome?.status === 'done' && link !== undefined) links.put(key, { ...link, retired: true })
      return
    }
    const claim = batch.claims[index] as Claim
    this.#waiting.delete(claim.identity)
    if (isAnothers(outcome)) links.remove(key)
    else if (link === undefined || isInDoubtStill(answer)) return
    else if (entry === undefined || entry.state === GONE) links.remove(key)
    else if (outcome?.status === 'done') {
      const id = outcome.id ?? (answer.absent ? null : link.id)
      links.put(key, { ...link, identities: [claim.identity], match: claim.match, id, retired: false })
    } else if (outcome?.status !== 'exists') {
      const { before } = claim
      const overwritten = link.overwritten || before?.overwritten === true
      if (before !== undefined) links.put(key, { ...before, aliases: link.aliases, overwritten })
      // What was adopted by its key is still the record of that key.
      else if (!matchIsKey) links.remove(key)
    }
  }

  /** Puts the link of a change that is about to be sent. What the record was known by before stays until the answer. */
  #hold(key: Buffer, { identity, match }: Claim, id: string | null, overwritten: boolean): void {
    const { links } = this.#records
    const link = links.get(key)
    const identities = [...new Set([identity, ...(link?.identities ?? [])])]
    const aliases = (link?.aliases ?? []).filter((alias) => alias !== identity)
    links.put(key, { identities, aliases, match, id, retired: false, overwritten })
    this.#waiting.delete(identity)
  }

  /** The match that the record, if it is there, is to be found by first; it is nobody else's until then. */
  #formerOf(key: Buffer, before: RecordLink | undefined, claim: Claim): Values | null {
    if (before?.match == null || !isInDoubt(before, claim)) return null
    const { links, identity: identityOf } = this.#records
    const identity = identityOf(before.match)
    const owner = this.#waiting.get(identity) ?? links.ownerOfIdentity(identity)
    if (owner === undefined) links.put(key, { ...before, identities: [identity] })
    return owner === undefined || owner.equals(key) ? before.match : null
  }

  /** The key whose record has the identity. A run that sends everything asks the destination again about aliases. */
  #linked(identity: string): Buffer | undefined {
    const { links } = this.#records
    const owner = links.ownerOfIdentity(identity)
    const link = owner === undefined || !this.#resend ? undefined : links.get(owner)
    if (owner === undefined || !link?.aliases.includes(identity)) return owner
    links.put(owner, { ...link, aliases: link.aliases.filter((alias) => alias !== identity) })
    return undefined
  }

  #duplicate(key: Buffer, owner: Buffer): string {
    const [second, first] = [printKey(this.#encodings, key), printKey(this.#encodings, owner)]
    return (
      `key ${second} has the match of key ${first}, so both would be one record at the destination; ` +
      'leave one of them out of the model, or give it a match of its own'
    )
  }
}

function isInDoubtStill({
  outcome,
  retried,
  unapplied,
}: {
  readonly outcome: SettledOutcome | undefined
  readonly retried: boolean
  readonly unapplied: boolean
}): boolean {
  return outcome === undefined ? !unapplied : outcome.status === 'rejected' && retried
}

/** Whether the record, if it is there, has the match of an earlier change that the destination has not answered. */
function isInDoubt({ id, identities }: RecordLink, { identity }: Claim): boolean {
  return id === null && identities[0] !== identity
}
