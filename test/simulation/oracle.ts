import { basename } from 'node:path'
import type { ChangeBatch, Operation } from '../../src/core/change.ts'
import { BatchRefusedError, RetryableError } from '../../src/core/errors.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../../src/core/outcome.ts'
import type { Counts, RunStatus } from '../../src/core/report.ts'
import type { DurableIndex } from './durable-index.ts'
import type { RunPlan, Setup } from './history.ts'

/** A change as the destination gets it. */
export interface Change {
  readonly operation: Operation
  /** Whether the record goes, or is marked as gone. */
  readonly deletes: boolean
  readonly key: string
  readonly values: Readonly<Record<string, string | null>>
}

export interface Entry {
  readonly v: string | null
  /** Marked as deleted. */
  readonly gone: boolean
  /** Written by the sync, be it over what somebody else had written. */
  readonly ours: boolean
}

/** A batch that was sent, until it is known what came of it. */
export interface Request {
  answered(outcomes: readonly (Outcome | undefined)[]): void
  failed(error: unknown): void
}

/** What a run says of itself. */
export interface Said {
  readonly status: RunStatus
  readonly counts: Counts
  readonly error: { readonly code: string; readonly message: string; readonly kind: string } | null
}

/** A rule of the promise that was broken. */
export interface Violation {
  readonly rule: string
  readonly message: string
}

/** What a mode may ask of the destination. */
const ASKS: Readonly<Record<Setup['mode'], readonly Operation[]>> = {
  mirror: ['upsert', 'update', 'delete'],
  upsert: ['upsert', 'update'],
  'update-only': ['update'],
  'insert-only': ['insert'],
  'delete-only': ['delete'],
}
const DELETING = ['mirror', 'delete-only']
const FOREIGN = 'foreign'

/**
 * The destination as a plain map, and the rules that hold whatever happens: written from the promise, apart from the
 * product's code.
 */
export class Oracle {
  readonly records = new Map<string, Entry>()
  readonly violations: Violation[] = []
  readonly #setup: Setup
  /** What the destination last said that it holds. */
  readonly #acknowledged = new Map<string, string | null>()
  /** Keys that any model held so far: of all others, scope `seen` has to keep off. */
  readonly #modelled = new Set<string>()
  /** Keys of records that others deleted since we last heard of them. */
  readonly #theirs = new Set<string>()
  // Of the run that goes on:
  #plan: RunPlan | undefined
  #modelKeys = new Set<string | null>()
  #ended = false
  #inFlight = 0
  #requests = 0
  #sent = new Map<string, { again: 'no' | 'same' | 'upsert' }>()
  #deleted = new Set<string>()
  /** Keys whose change did not land, as the destination said. */
  #refused = new Set<string>()
  #answers = { written: 0, deleted: 0, rejected: 0 }

  constructor(setup: Setup) {
    this.#setup = setup
    for (const key of setup.planted) this.records.set(key, { v: FOREIGN, gone: false, ours: false })
  }

  /** Requests of the run that goes on, or went on last. */
  get requests(): number {
    return this.#requests
  }

  begin(plan: RunPlan): void {
    this.#plan = plan
    this.#modelKeys = new Set(plan.rows.map(([key]) => key ?? null))
    for (const key of this.#modelKeys) if (key !== null) this.#modelled.add(key)
    for (const key of plan.vanish) if (this.records.delete(key)) this.#theirs.add(key)
    this.#ended = false
    this.#inFlight = 0
    this.#requests = 0
    this.#sent = new Map()
    this.#deleted = new Set()
    this.#refused = new Set()
    this.#answers = { written: 0, deleted: 0, rejected: 0 }
  }

  /** The source has sent every row, and is about to say so. */
  modelEnded(): void {
    this.#ended = true
  }

  /** A file of the state is about to be written: its commits have to be on the disk, not on their way (FULL is 2). */
  flushes(file: string, synchronous: number): void {
    this.#rule('durable', synchronous >= 2, `synchronous is ${synchronous} for ${basename(file)}`)
  }

  /** A batch is here; `durable` is what the key index says on disk at this moment. */
  arrives(batch: ChangeBatch, changes: readonly Change[], durable: DurableIndex): Request {
    const { limits, mode, deletes } = this.#setup
    this.#requests++
    this.#rule('limits', ++this.#inFlight <= limits.inFlight, `${this.#inFlight} batches are in flight`)
    this.#rule('limits', changes.length <= limits.rows, `a batch of ${changes.length} changes`)
    this.#rule('limits', changes.length === 1 || batch.text.length <= limits.bytes, `${batch.text.length} bytes`)
    for (const change of changes) {
      const { key, operation } = change
      const marks = change.deletes && operation === 'update' && deletes === 'mark'
      const asked = marks ? DELETING.includes(mode) : ASKS[mode].includes(operation)
      this.#rule('mode', asked, `${operation} of ${key} in mode ${mode}`)
      const known = durable.get(key)
      const intended = change.deletes
        ? known !== undefined && known !== 'acknowledged' && known !== 'retired'
        : known === 'unsure' || known === 'unsure_new'
      this.#rule('intent', intended, `${operation} of ${key} is sent, and the index on disk says ${known ?? 'nothing'}`)
      const before = this.#sent.get(key)?.again
      const allowed = before === undefined || before === 'same' || (before === 'upsert' && operation === 'upsert')
      this.#rule('once', allowed, `${key} is sent once more`)
      this.#sent.set(key, { again: 'no' })
      if (change.deletes) this.#proven(key)
    }
    return {
      answered: (outcomes) => {
        this.#inFlight--
        if (outcomes.length !== changes.length || outcomes.includes(undefined)) return
        for (const [index, change] of changes.entries()) this.#learn(change, outcomes[index] as Outcome)
      },
      failed: (error) => {
        this.#inFlight--
        const [only] = changes
        if (error instanceof BatchRefusedError && only !== undefined && changes.length === 1) {
          this.#answers.rejected++
          this.#refused.add(only.key)
        }
        const again = error instanceof BatchRefusedError || error instanceof RetryableError ? 'same' : 'no'
        for (const { key } of changes) this.#sent.set(key, { again })
      },
    }
  }

  /** Carries out changes, and says what came of each. */
  apply(changes: readonly Change[]): Outcome[] {
    return changes.map(({ operation, deletes, key, values }) => {
      const record = this.records.get(key)
      if (this.#plan?.rejects.includes(key)) return rejection(key)
      if (operation === 'delete') {
        this.records.delete(key)
        return DONE
      }
      if (operation === 'update' && record === undefined) return NOT_FOUND
      if (operation === 'insert' && record !== undefined) return EXISTS
      const v = deletes ? (record?.v ?? null) : (values['v'] ?? null)
      this.records.set(key, { v, gone: deletes, ours: true })
      return DONE
    })
  }

  /** What holds when a run has ended by itself: what it says is true. */
  ended(said: Said): void {
    const { counts: c, status, error } = said
    const rows = c.inserted + c.updated + c.unchanged + c.skipped + c.invalid + c.rejected
    const missing = c.deleted + c.kept + c.held + c.delete_rejected
    const complete = status !== 'failed' && status !== 'cancelled'
    const about = `${status} ${JSON.stringify(c)}`
    if (complete) {
      this.#rule('counts', c.read === rows && c.missing === missing, `they do not add up: ${about}`)
      this.#rule('counts', c.read === (this.#plan?.rows.length ?? 0), `${c.read} rows were read`)
    }
    const { written, deleted, rejected } = this.#answers
    this.#rule('counts', c.inserted + c.updated === written, `${written} changes were acknowledged: ${about}`)
    this.#rule('counts', c.deleted === deleted, `${deleted} deletes were acknowledged: ${about}`)
    this.#rule('counts', c.rejected + c.delete_rejected === rejected, `${rejected} changes were rejected: ${about}`)
    const isBug = error?.kind === 'bug' && !error.message.includes('planned')
    this.#rule('bug', !isBug, error?.message ?? '')
    if (complete) this.#converged(c.held > 0)
  }

  /** What holds between any two runs, however the last one ended. */
  between(durable: DurableIndex): void {
    for (const [key, { v, gone, ours }] of this.records) {
      const { mode } = this.#setup
      if (!ours && (mode === 'insert-only' || mode === 'delete-only'))
        this.#rule('theirs', v === FOREIGN, `record ${key} of somebody else was changed`)
      if (!ours || gone || this.#theirs.has(key)) continue
      this.#rule('forgotten', durable.has(key), `record ${key} is ours, and the index does not know it`)
    }
    for (const [key, known] of durable) {
      if (known !== 'acknowledged' || this.#theirs.has(key)) continue
      const record = this.records.get(key)
      const isSo = record !== undefined && !record.gone && record.v === this.#acknowledged.get(key)
      this.#rule(
        'believed',
        isSo,
        `the index takes record ${key} for acknowledged, and it is ${JSON.stringify(record)}`,
      )
    }
  }

  /** What a run delivered that came to the end of its model. */
  #converged(held: boolean): void {
    const { mode, scope, listing } = this.#setup
    const { rows = [] } = this.#plan ?? {}
    const spared = (key: string) => this.#refused.has(key) || (this.#theirs.has(key) && listing !== 'always')
    const copies = new Map<string, number>()
    for (const [key] of rows) if (key != null) copies.set(key, (copies.get(key) ?? 0) + 1)
    for (const [key, v] of rows) {
      if (key == null || copies.get(key) !== 1 || spared(key)) continue
      const record = this.records.get(key)
      if (mode === 'insert-only') this.#rule('lost', record !== undefined, `record ${key} was not created`)
      if (mode === 'delete-only' || mode === 'insert-only' || (mode === 'update-only' && record === undefined)) continue
      const isThere = record !== undefined && record.v === v && !record.gone
      this.#rule('lost', isThere, `record ${key} has to be ${v}, and is ${JSON.stringify(record)}`)
    }
    if (held || !DELETING.includes(mode)) return
    for (const [key, { gone, ours }] of this.records) {
      if (gone || this.#modelKeys.has(key) || spared(key)) continue
      this.#rule('orphan', !ours && scope === 'seen', `record ${key} is in no model any more`)
    }
  }

  /** A delete needs proof: the model was read to a proven end, and the key is in none of its rows. */
  #proven(key: string): void {
    const { mode, scope } = this.#setup
    const plan = this.#plan as RunPlan
    this.#deleted.add(key)
    const refuse = (isRefused: boolean, why: string) => this.#rule('proof', !isRefused, `the delete of ${key} ${why}`)
    refuse(!DELETING.includes(mode), `in mode ${mode}`)
    refuse(this.#modelKeys.has(key), 'although the model holds it')
    refuse(this.#modelKeys.has(null) && !plan.allowInvalid, 'although a row without a key may stand for it')
    refuse(!this.#ended || plan.end !== 'proven', 'without a proven end')
    refuse(!isAscending(plan), 'of a model that is out of order')
    refuse(plan.rows.length === 0 && !plan.allowEmpty, 'because the model is empty')
    refuse(scope === 'seen' && !this.#modelled.has(key), 'although no model ever held it')
    // Whoever allows an empty model allows to delete everything.
    const most = plan.rows.length === 0 ? undefined : plan.maxDeletes
    refuse(this.#deleted.size > (most ?? Number.POSITIVE_INFINITY), 'above the limit')
  }

  #learn({ operation, deletes, key, values }: Change, outcome: Outcome): void {
    if (outcome.status !== 'rejected') this.#theirs.delete(key)
    if (outcome.status === 'rejected') {
      this.#answers.rejected++
      this.#refused.add(key)
    } else if (deletes) this.#answers.deleted++
    else if (outcome.status === 'done') {
      this.#answers.written++
      this.#acknowledged.set(key, values['v'] ?? null)
    } else if (outcome.status === 'not_found' && operation === 'update') this.#sent.set(key, { again: 'upsert' })
  }

  #rule(rule: string, holds: boolean, message: string): void {
    if (!holds) this.violations.push({ rule, message })
  }
}

export function rejection(key: string): Outcome {
  return { status: 'rejected', code: 'planned', message: `planned: ${key} is rejected` }
}

function isAscending({ rows }: RunPlan): boolean {
  let last = Number.NEGATIVE_INFINITY
  for (const [key] of rows) {
    if (key == null) continue
    if (Number(key) < last) return false
    last = Number(key)
  }
  return true
}
