import type { ChangeBatch } from '../../src/core/change.ts'
import { BatchRefusedError, RetryableError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { DurableIndex } from './durable-index.ts'
import type { RunPlan, Setup } from './history.ts'
import type { Change, Judge, Request, Said, Violation } from './judge.ts'
import { comersFor, type Held } from './linked-comers.ts'
import { identityOf, type LinkedRecord, LinkedRecords } from './linked-records.ts'
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

/** What became of a row's change, as the destination said last. */
type Answer = 'none' | 'landed' | 'rejected' | 'other'

/**
 * Of a destination that knows records by ids of its own and finds them by an e-mail. One record belongs to one row: none is
 * made twice, a row stays at its record whatever its e-mail becomes, and no record is deleted that a row has or has come for.
 */
export class LinkedOracle implements Judge {
  readonly violations: Violation[] = []
  readonly #setup: Setup
  readonly #records: LinkedRecords
  /** By key, what the destination last said of its row: the record, and what was written to it. */
  readonly #held = new Map<string, Held>()
  /** E-mails that any model had so far: a record with another one is nobody's that was ever met. */
  readonly #met = new Set<string>()
  /** Ids of records that others deleted. */
  readonly #theirs = new Set<string>()
  /** By id of records whose row was gone when others came for them: the keys of those, whose it is from then on, perhaps. */
  readonly #handedOn = new Map<string, ReadonlySet<string>>()
  /** By key, the e-mails that were sent since the last answer: its record has one of them, or the one before. */
  readonly #sentEmails = new Map<string, Set<string>>()
  /** Whether two rows may be found to be one record only as they are sent: by an alias, or where records outlive their rows. */
  readonly #mayMeet: boolean
  /** Keys whose record was written for another row since. */
  readonly #overwritten = new Set<string>()
  /** Keys whose record the index does not know for certain: such a row may have to be written by its former e-mail first. */
  #unsure = new Set<string>()
  // Of the run that goes on:
  #plan: RunPlan | undefined
  #modelKeys = new Set<string | null>()
  #ended = false
  #inFlight = 0
  #requests = 0
  /** By key or deleted record, in which way it may be sent once more. */
  #sent = new Map<string, { again: 'no' | 'same' | 'upsert' }>()
  #answers = new Map<string, Answer>()
  #refused = new Set<string>()
  #deletes = { sent: new Set<string>(), done: 0, rejected: 0 }

  constructor(setup: Setup) {
    this.#setup = setup
    this.#records = new LinkedRecords(setup.planted, setup.aliases === true)
    this.#mayMeet = setup.aliases === true || !deletes(setup)
  }

  get requests(): number {
    return this.#requests
  }

  keys(): string[] {
    throw new Error('e-mails are no keys')
  }

  begin(plan: RunPlan): void {
    this.#plan = plan
    this.#modelKeys = new Set(plan.rows.map(([key]) => key ?? null))
    for (const [, , email] of plan.rows) if (email != null) this.#met.add(identityOf(email))
    for (const { id, ref } of this.#records.values()) {
      if (ref === null || !plan.vanish.includes(ref)) continue
      this.#records.vanish(id)
      this.#theirs.add(id)
    }
    this.#ended = false
    this.#inFlight = 0
    this.#requests = 0
    this.#sent = new Map()
    this.#answers = new Map()
    this.#refused = new Set()
    this.#deletes = { sent: new Set(), done: 0, rejected: 0 }
    // Known behind the last row only; but what the run does by then is not about these records.
    const wanted = this.#records.values().map((record) => [record.id, this.#wantedBy(record, 'perhaps')] as const)
    for (const [id, keys] of wanted) if (keys.length > 0) this.#handedOn.set(id, new Set(keys))
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
    for (const change of changes) {
      if (change.deletes) this.#deleteArrives(change, durable)
      else this.#changeArrives(change, durable)
    }
    const again = (change: Change, how: 'no' | 'same' | 'upsert') =>
      this.#sent.set(this.#nameOf(change), { again: how })
    return {
      answered: (outcomes) => {
        this.#inFlight--
        if (outcomes.length !== changes.length || outcomes.includes(undefined)) return
        for (const [index, change] of changes.entries()) {
          const outcome = outcomes[index] as Outcome
          if (isOpen(outcome)) again(change, 'same')
          else if (outcome.status === 'not_found') again(change, 'upsert')
          this.#learn(change, outcome)
        }
      },
      failed: (error) => {
        this.#inFlight--
        const [only] = changes
        if (error instanceof BatchRefusedError && only !== undefined && changes.length === 1)
          this.#learn(only, rejection(only.key))
        const isSame = error instanceof BatchRefusedError || error instanceof RetryableError
        for (const change of changes) again(change, isSame ? 'same' : 'no')
      },
    }
  }

  apply(changes: readonly Change[]): Outcome[] {
    return changes.map((change) => {
      const target = this.#records.targetOf(change)
      const name = change.deletes ? (target?.ref ?? '') : change.key
      if (this.#plan?.rejects.includes(name)) return rejection(name)
      if (change.deletes && target !== undefined) this.#deletesRecord(target)
      return this.#records.apply(change)
    })
  }

  ended(said: Said, last: boolean): void {
    const { counts: c } = said
    countRules(this.#rule, said, this.#plan as RunPlan)
    const answers = [...this.#answers.values()]
    const count = (wanted: Answer) => answers.filter((answer) => answer === wanted).length
    // The row that an alias finds a record for is counted as rejected.
    if (!this.#mayMeet) {
      this.#rule('counts', c.inserted + c.updated === count('landed'), `${count('landed')} landed: ${about(said)}`)
      this.#rule('counts', c.rejected === count('rejected'), `${count('rejected')} were rejected: ${about(said)}`)
    }
    const { done, rejected } = this.#deletes
    // Keys that no record was ever sent for count as deleted, too.
    this.#rule('counts', c.deleted >= done, `${done} deletes were acknowledged: ${about(said)}`)
    this.#rule('counts', c.delete_rejected === rejected, `${rejected} deletes were rejected: ${about(said)}`)
    if (isComplete(said)) this.#converged(said, last)
  }

  between(durable: DurableIndex): void {
    this.#unsure = new Set([...durable].filter(([, known]) => known !== 'acknowledged').map(([key]) => key))
    const holders = new Set([...this.#held.values()].map(({ id }) => id))
    for (const record of this.#records.values()) {
      const { id, ref, gone } = record
      if (ref === null || gone || this.#handedOn.has(id) || (holders.has(id) && this.#isHeldByAnother(record))) continue
      this.#rule('forgotten', durable.has(ref), `record ${id} is that of row ${ref}, and the index does not know it`)
    }
    if (this.#mayMeet) return
    for (const [key, known] of durable) {
      const held = this.#held.get(key)
      if (known !== 'acknowledged' || (held !== undefined && this.#theirs.has(held.id))) continue
      const record = held && this.#records.get(held.id)
      const isSo = record !== undefined && !record.gone && record.ref === key && isLike(record, held)
      const really = `${JSON.stringify(record)}, ${JSON.stringify(held)} was written`
      this.#rule('believed', isSo, `the index takes row ${key} for acknowledged, and its record is ${really}`)
    }
  }

  #changeArrives({ key, operation, values }: Change, durable: DurableIndex): void {
    const emails = this.#sentEmails.get(key) ?? new Set()
    this.#sentEmails.set(key, emails.add(identityOf(values['email'] ?? '')))
    const known = durable.get(key)
    const intended = known === 'unsure' || known === 'unsure_new'
    this.#rule('intent', intended, `${operation} of ${key} is sent, and the index on disk says ${known ?? 'nothing'}`)
    const before = this.#sent.get(key)?.again
    const allowed = before === undefined || before === 'same' || (before === 'upsert' && operation === 'upsert')
    this.#rule('once', allowed || this.#unsure.has(key), `${key} is sent once more`)
    this.#sent.set(key, { again: 'no' })
    this.#answers.set(key, 'none')
  }

  #deleteArrives(change: Change, durable: DurableIndex): void {
    const name = this.#nameOf(change)
    const before = this.#sent.get(name)?.again
    this.#rule('once', before === undefined || before === 'same', `the delete of ${name} is sent once more`)
    this.#sent.set(name, { again: 'no' })
    this.#deletes.sent.add(name)
    const count = this.#deletes.sent.size
    proofRules(this.#rule, this.#setup, this.#plan as RunPlan, { key: name, ended: this.#ended, count })
    const intents = [...durable].filter(([key, known]) => {
      return !this.#modelKeys.has(key) && known !== 'acknowledged' && known !== 'retired'
    })
    const message = `the delete of ${name} is sent, and the index on disk is sure of all ${durable.size} keys`
    this.#rule('intent', intents.length > 0, message)
  }

  /** A delete that finds a record, which is about to go. */
  #deletesRecord(record: LinkedRecord): void {
    const { id, ref, email } = record
    const said = `record ${id} (row ${ref}, ${email}) is deleted`
    const isMet = ref !== null || this.#met.has(identityOf(email))
    this.#rule('theirs', isMet, `${said}, and no row ever had its e-mail`)
    for (const [key, held] of this.#held) if (held.id === id) this.#held.delete(key)
    const isWanted = this.#wantedBy(record, 'certainly').length > 0
    if (this.#handedOn.has(id) && !isWanted) return
    const others = this.#records.values().filter((other) => other.ref === ref && other.id !== id && !other.gone)
    const isRows = this.#modelKeys.has(ref) && others.length === 0
    this.#rule('wanted', !isRows, `${said}, and the model has that row`)
    this.#rule('wanted', !isWanted, `${said}, and another row has come for it`)
  }

  #wantedBy(record: LinkedRecord, how: 'certainly' | 'perhaps'): string[] {
    if (this.#modelKeys.has(record.ref)) return []
    return comersFor(record, how, {
      rows: singleRows(this.#plan as RunPlan),
      records: this.#records.values(),
      held: this.#held,
      handedOn: this.#handedOn,
      unsure: this.#unsure,
      sentEmails: this.#sentEmails,
    })
  }

  #isHeldByAnother({ id, ref }: LinkedRecord): boolean {
    return [...this.#held].some(([key, held]) => held.id === id && key !== ref)
  }

  #learn(change: Change, outcome: Outcome): void {
    const { key, values } = change
    if (change.deletes) {
      if (outcome.status === 'rejected') this.#deletes.rejected++
      else if (!isOpen(outcome)) this.#deletes.done++
      if (outcome.status === 'rejected') this.#refused.add(this.#records.targetOf(change)?.ref ?? key)
      return
    }
    if (isOpen(outcome)) return
    // By its former e-mail a row is only looked for.
    const isAsAsked = this.#plan?.rows.some(([id, , email]) => id === key && email === values['email']) === true
    const landed = outcome.status === 'done' && isAsAsked
    this.#answers.set(key, landed ? 'landed' : outcome.status === 'rejected' ? 'rejected' : 'other')
    if (outcome.status === 'rejected') this.#refused.add(key)
    if (outcome.status !== 'done' || outcome.id === undefined) return
    const { id } = outcome
    const others = [...this.#held].filter(([other, held]) => other !== key && held.id === id).map(([other]) => other)
    if (others.length > 0 && this.#mayMeet) {
      // It is the other row's record, and that row is written again by the next run.
      for (const other of others) this.#overwritten.add(other)
      return
    }
    this.#overwritten.delete(key)
    const before = this.#held.get(key)
    if (before !== undefined && before.id !== id && this.#setup.mode !== 'insert-only') {
      const record = this.#records.get(before.id)
      const isFree = record === undefined || this.#handedOn.has(before.id) || record.ref !== key
      this.#rule('kept', isFree, `row ${key} was record ${before.id}, and is written to ${id}`)
    }
    for (const other of others) {
      const isShared = this.#modelKeys.has(other) && !this.#handedOn.has(id)
      this.#rule('shared', !isShared, `record ${id} is written for row ${key}, and is that of row ${other}`)
      this.#held.delete(other)
    }
    this.#sentEmails.delete(key)
    this.#held.set(key, { id, email: values['email'] ?? '', v: values['v'] ?? null })
    this.#handedOn.delete(id)
  }

  /** What a run delivered that came to the end of its model: each row has one record, or is told of. */
  #converged({ counts, issues }: Said, last: boolean): void {
    const { mode } = this.#setup
    const told = new Set(issues.map(({ key }) => key))
    const records = this.#records.values()
    for (const [key, v, email] of singleRows(this.#plan as RunPlan)) {
      const held = this.#held.get(key as string)
      if (told.has(key as string) || (held !== undefined && this.#theirs.has(held.id))) continue
      // The run that comes next begins with it.
      if (!last && this.#overwritten.has(key as string)) continue
      const its = records.filter((record) => record.ref === key && !record.gone)
      if (mode === 'insert-only' || (mode === 'update-only' && its.length === 0)) continue
      const like = its.filter((record) => isLike(record, { email: email ?? '', v: v ?? null }))
      this.#rule('lost', like.length === 1, `row ${key} ${email} ${v} has ${like.length} records`)
      const others = its.filter((record) => (last && deletes(this.#setup)) || !this.#handedOn.has(record.id))
      const message = `row ${key} has more than one record: ${JSON.stringify(others)}`
      // A record that an alias found has this row's content for as long as the row that it belongs to is gone.
      this.#rule('doubled', others.length <= 1 || this.#mayMeet, message)
    }
    if (counts.held > 0 || !deletes(this.#setup)) return
    for (const record of records) {
      const { id, ref, gone } = record
      if (ref === null || gone || this.#modelKeys.has(ref) || this.#refused.has(ref) || this.#theirs.has(id)) continue
      if (this.#mayMeet && this.#isHeldByAnother(record)) continue
      this.#rule('orphan', !last && this.#handedOn.has(id), `record ${id} is that of row ${ref}, which is gone`)
    }
  }

  /** What a change is about: the key of its row, or the record that a delete names. */
  #nameOf({ deletes: isDelete, key, id, values }: Change): string {
    return isDelete ? `record ${id ?? values['email']}` : key
  }

  readonly #rule = (rule: string, holds: boolean, message: string): void => {
    if (!holds) this.violations.push({ rule, message })
  }
}

/** Not the last word on a change. */
function isOpen({ status }: Outcome): boolean {
  return status === 'deferred' || status === 'unknown'
}

function isLike(
  record: Pick<LinkedRecord, 'email' | 'v'>,
  written: { readonly email: string; readonly v: string | null } | undefined,
): boolean {
  return record.email === written?.email && record.v === written.v
}
