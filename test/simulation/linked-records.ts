import { EXISTS, NOT_FOUND, type Outcome } from '../../src/core/outcome.ts'
import type { Change } from './judge.ts'

/** A record of a destination that knows it by an id and finds it by its e-mail. */
export interface LinkedRecord {
  readonly id: string
  readonly email: string
  /** The key of the row that was written to it last; null in what only others have written. */
  readonly ref: string | null
  readonly v: string | null
  /** Marked as deleted. */
  readonly gone: boolean
}

/** What the destination compares. */
export function identityOf(email: string): string {
  return email.toLowerCase()
}

/** Two e-mails of one person, by what only the destination knows. */
const ALIASES = new Map([
  ['f@x', 'e@x'],
  ['e@x', 'f@x'],
])

/** The records by id, and what becomes of them. Never two with the same e-mail, and never an id again. */
export class LinkedRecords {
  readonly #records = new Map<string, LinkedRecord>()
  readonly #aliases: boolean
  #last = 0

  constructor(planted: readonly string[], aliases: boolean) {
    this.#aliases = aliases
    for (const email of planted) this.#put({ id: this.#newId(), email, ref: null, v: null, gone: false })
  }

  get(id: string): LinkedRecord | undefined {
    return this.#records.get(id)
  }

  values(): LinkedRecord[] {
    return [...this.#records.values()]
  }

  /** Somebody else deletes it. */
  vanish(id: string): void {
    this.#records.delete(id)
  }

  find(email: string): LinkedRecord | undefined {
    const wanted = identityOf(email)
    const has = (identity: string | undefined) => this.values().find((record) => identityOf(record.email) === identity)
    return has(wanted) ?? (this.#aliases ? has(ALIASES.get(wanted)) : undefined)
  }

  /** The record that a change is about, where there is one. */
  targetOf({ id, values }: Change): LinkedRecord | undefined {
    return id === undefined ? this.find(values['email'] ?? '') : this.#records.get(id)
  }

  apply(change: Change): Outcome {
    const { operation, deletes, values, key } = change
    const record = this.targetOf(change)
    if (operation === 'delete') {
      if (record !== undefined) this.#records.delete(record.id)
      return { status: 'done' }
    }
    if (operation === 'update' && record === undefined) return NOT_FOUND
    if (operation === 'insert' && record !== undefined) return EXISTS
    const email = values['email'] ?? ''
    const other = this.find(email)
    if (other !== undefined && other.id !== record?.id) {
      return { status: 'rejected', code: 'conflict', message: `planned: record ${other.id} has ${email}` }
    }
    if (deletes && record !== undefined) {
      this.#put({ ...record, gone: true })
      return { status: 'done', id: record.id, created: false }
    }
    const id = record?.id ?? this.#newId()
    this.#put({ id, email, ref: key, v: values['v'] ?? null, gone: false })
    return { status: 'done', id, created: record === undefined }
  }

  #put(record: LinkedRecord): void {
    this.#records.set(record.id, record)
  }

  #newId(): string {
    return String(++this.#last)
  }
}
