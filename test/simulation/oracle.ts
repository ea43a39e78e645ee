import type { ChangeBatch } from '../../src/core/change.ts'
import { BatchRefusedError, FatalError, RetryableError, UnansweredError } from '../../src/core/errors.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../../src/core/outcome.ts'
import type { DurableIndex } from './durable-index.ts'
import type { RunPlan, Setup } from './history.ts'
import type { Change, Judge, Request, Said, Violation } from './judge.ts'
import {
  about,
  batchRules,
  countRules,
  deletes,
  flushesRule,
  isComplete,
  proofRules,
  rejection,
  singleRows,
} from './rules.ts'

interface Entry {
  readonly v: string | null
  /** Marked as deleted. */
  readonly gone: boolean
  /** Written by the sync, be it over what somebody else had written. */
  readonly ours: boolean
  /** The destination's own. */
  readonly id: string
}

const FOREIGN = 'foreign'

/** Of a destination that finds its records by their key. */
export class Oracle implements Judge {
  readonly violations: Violation[] = []
  readonly #records = new Map<string, Entry>()
  readonly #setup: Setup
  #lastId = 0
  /** What the destination last said that it holds. */
  readonly #acknowledged = new Map<string, string | null>()
  /** Keys that any model held so far: of all others, scope `seen` has to keep off. */
  readonly #modelled = new Set<string>()
  /** Keys of records that others deleted since we last heard of them. */
  readonly #theirs = new Set<string>()
  /** Keys whose insert must not be sent again, because nobody knows whether there is a record. */
  readonly #doubtful = new Set<string>()
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
    for (const key of setup.planted) this.#records.set(key, { v: FOREIGN, gone: false, ours: false, id: this.#newId() })
  }

  get requests(): number {
    return this.#requests
  }

  keys(): string[] {
    return [...this.#records.keys()]
  }

  begin(plan: RunPlan): void {
    this.#plan = plan
    this.#modelKeys = new Set(plan.rows.map(([key]) => key ?? null))
    for (const key of this.#modelKeys) if (key !== null) this.#modelled.add(key)
    for (const key of plan.vanish) if (this.#records.delete(key)) this.#theirs.add(key)
    this.#ended = false
    this.#inFlight = 0
    this.#requests = 0
    this.#sent = new Map()
    this.#deleted = new Set()
    this.#refused = new Set()
    this.#answers = { written: 0, deleted: 0, rejected: 0 }
  }

  modelEnded(): void {
    this.#ended = true
  }

  flushes(file: string, synchronous: number): void {
    flushesRule(this.#rule, file, synchronous)
  }

  arrives(batch: ChangeBatch, changes: readonly Change[], durable: DurableIndex): Request {
    this.#requests++
    batchRules(this.#rule, this.#setup, batch, changes, ++this.#inFlight)
    for (const { key, operation, deletes: isDelete } of changes) {
      const known = durable.get(key)
      const intended = isDelete
        ? known !== undefined && known !== 'acknowledged' && known !== 'retired'
        : known === 'unsure' || known === 'unsure_new'
      this.#rule('intent', intended, `${operation} of ${key} is sent, and the index on disk says ${known ?? 'nothing'}`)
      const before = this.#sent.get(key)?.again
      const allowed = before === undefined || before === 'same' || (before === 'upsert' && operation === 'upsert')
      this.#rule('once', allowed, `${key} is sent once more`)
      this.#sent.set(key, { again: 'no' })
      if (isDelete) this.#proven(key)
    }
    return {
      answered: (outcomes) => {
        this.#inFlight--
        if (outcomes.length !== changes.length || outcomes.includes(undefined)) this.#leaveInDoubt(changes)
        else for (const [index, change] of changes.entries()) this.#learn(change, outcomes[index] as Outcome)
      },
      failed: (error) => {
        this.#inFlight--
        const [only] = changes
        if (error instanceof BatchRefusedError && only !== undefined && changes.length === 1) {
          this.#answers.rejected++
          this.#refused.add(only.key)
        }
        const isUnknown = error instanceof UnansweredError && this.#setup.insertsTwice === true
        const again = error instanceof BatchRefusedError || (error instanceof RetryableError && !isUnknown)
        for (const { key } of changes) this.#sent.set(key, { again: again ? 'same' : 'no' })
        if (!again && !(error instanceof FatalError)) this.#leaveInDoubt(changes)
      },
    }
  }

  apply(changes: readonly Change[]): Outcome[] {
    return changes.map((change) => this.#applyOne(change))
  }

  #applyOne({ operation, deletes: isDelete, key, values, id }: Change): Outcome {
    const record = this.#records.get(key)
    if (id !== undefined) {
      const isItsOwn = record === undefined || record.id === id
      this.#rule('id', isItsOwn, `${operation} of ${key} is sent to record ${id}, and it is ${record?.id}`)
    }
    if (this.#plan?.rejects.includes(key)) return rejection(key)
    if (operation === 'delete') {
      this.#records.delete(key)
      return DONE
    }
    if (operation === 'update' && record === undefined) return NOT_FOUND
    if (operation === 'insert' && record !== undefined) {
      if (this.#setup.insertsTwice !== true) return EXISTS
      this.#rule('doubled', false, `there are two records ${key}`)
    }
    const v = isDelete ? (record?.v ?? null) : (values['v'] ?? null)
    const written = { v, gone: isDelete, ours: true, id: record?.id ?? this.#newId() }
    this.#records.set(key, written)
    return this.#setup.records === 'key and id'
      ? { status: 'done', id: written.id, created: record === undefined }
      : DONE
  }

  ended(said: Said): void {
    const { counts: c, issues } = said
    countRules(this.#rule, said, this.#plan as RunPlan)
    const { written, deleted, rejected } = this.#answers
    const unknown = issues.filter(({ code }) => code === 'outcome_unknown')
    for (const { key } of unknown)
      this.#rule('listed', this.#doubtful.has(key ?? ''), `whether there is record ${key} is no question`)
    this.#rule('counts', c.inserted + c.updated === written, `${written} changes were acknowledged: ${about(said)}`)
    this.#rule('counts', c.deleted === deleted, `${deleted} deletes were acknowledged: ${about(said)}`)
    this.#rule(
      'counts',
      c.rejected + c.delete_rejected === rejected + unknown.length,
      `${rejected} changes were rejected: ${about(said)}`,
    )
    if (isComplete(said)) this.#converged(said)
  }

  between(durable: DurableIndex): void {
    if (this.#setup.insertsTwice === true)
      for (const [key, known] of durable) if (known === 'unsure_new') this.#doubtful.add(key)
    for (const [key, { v, gone, ours }] of this.#records) {
      const { mode } = this.#setup
      if (!ours && (mode === 'insert-only' || mode === 'delete-only'))
        this.#rule('theirs', v === FOREIGN, `record ${key} of somebody else was changed`)
      if (!ours || gone || this.#theirs.has(key)) continue
      this.#rule('forgotten', durable.has(key), `record ${key} is ours, and the index does not know it`)
    }
    for (const [key, known] of durable) {
      if (known !== 'acknowledged' || this.#theirs.has(key)) continue
      const record = this.#records.get(key)
      const isSo = record !== undefined && !record.gone && record.v === this.#acknowledged.get(key)
      this.#rule(
        'believed',
        isSo,
        `the index takes record ${key} for acknowledged, and it is ${JSON.stringify(record)}`,
      )
    }
  }

  /** What a run delivered that came to the end of its model. */
  #converged({ counts, issues }: Said): void {
    const { mode, scope, listing } = this.#setup
    const spared = (key: string) => this.#refused.has(key) || (this.#theirs.has(key) && listing !== 'always')
    for (const [key, v] of singleRows(this.#plan as RunPlan)) {
      if (key == null || spared(key)) continue
      const record = this.#records.get(key)
      if (this.#doubtful.has(key)) {
        const isListed = issues.some((issue) => issue.key === key && issue.code === 'outcome_unknown')
        this.#rule('listed', isListed, `nobody knows whether there is record ${key}, and the run does not say so`)
      } else if (mode === 'insert-only') this.#rule('lost', record !== undefined, `record ${key} was not created`)
      if (mode === 'delete-only' || mode === 'insert-only' || (mode === 'update-only' && record === undefined)) continue
      const isThere = record !== undefined && record.v === v && !record.gone
      this.#rule('lost', isThere, `record ${key} has to be ${v}, and is ${JSON.stringify(record)}`)
    }
    if (counts.held > 0 || !deletes(this.#setup)) return
    for (const [key, { gone, ours }] of this.#records) {
      if (gone || this.#modelKeys.has(key) || spared(key)) continue
      this.#rule('orphan', !ours && scope === 'seen', `record ${key} is in no model any more`)
    }
  }

  #proven(key: string): void {
    const { scope } = this.#setup
    this.#deleted.add(key)
    proofRules(this.#rule, this.#setup, this.#plan as RunPlan, { key, ended: this.#ended, count: this.#deleted.size })
    this.#rule('proof', !this.#modelKeys.has(key), `the delete of ${key} although the model holds it`)
    const isMet = scope === 'all' || this.#modelled.has(key)
    this.#rule('proof', isMet, `the delete of ${key} although no model ever held it`)
  }

  #learn(change: Change, outcome: Outcome): void {
    const { operation, deletes: isDelete, key, values } = change
    if (outcome.status === 'deferred' || outcome.status === 'unknown') {
      const isDoubtful = outcome.status === 'unknown' && this.#setup.insertsTwice === true
      if (isDoubtful) this.#leaveInDoubt([change])
      else this.#sent.set(key, { again: 'same' })
      return
    }
    if (outcome.status !== 'rejected') this.#theirs.delete(key)
    if (outcome.status === 'rejected') {
      this.#answers.rejected++
      this.#refused.add(key)
    } else if (isDelete) this.#answers.deleted++
    else if (outcome.status === 'done') {
      this.#answers.written++
      this.#acknowledged.set(key, values['v'] ?? null)
    } else if (outcome.status === 'not_found' && operation === 'update') this.#sent.set(key, { again: 'upsert' })
  }

  #leaveInDoubt(changes: readonly Change[]): void {
    if (this.#setup.insertsTwice === true) for (const { key } of changes) this.#doubtful.add(key)
  }

  #newId(): string {
    return String(++this.#lastId)
  }

  readonly #rule = (rule: string, holds: boolean, message: string): void => {
    if (!holds) this.violations.push({ rule, message })
  }
}
