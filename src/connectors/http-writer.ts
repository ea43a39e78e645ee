import type { ChangeBatch, Operation } from '../core/change.ts'
import type { Clock } from '../core/clock.ts'
import { FatalError } from '../core/errors.ts'
import { EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import type { DestinationNotes } from '../core/record-links.ts'
import type { SyncMode } from '../core/sync-mode.ts'
import { type IdempotencyMarks, idempotencyMarks } from './http-idempotency.ts'
import { lookUp, type Unfound } from './http-lookup.ts'
import { hasIdempotencyKey, routeOf } from './http-modes.ts'
import type { HttpObject, HttpOperation } from './http-operation-options.ts'
import type { HttpOptions } from './http-options.ts'
import { type Compiled, compileOperation, type Unsendable, unsendable } from './http-request.ts'
import { type Row, rowsOf } from './http-rows.ts'
import type { HttpSender } from './http-sender.ts'
import { inRequests, type Sending } from './http-sending.ts'

interface WriterSettings {
  readonly name: string
  readonly object: HttpObject
  readonly options: HttpOptions
  readonly mode: SyncMode
  /** How many fields find a record. */
  readonly match: number
  readonly sender: HttpSender
  readonly clock: Clock
  readonly notes: DestinationNotes
}

/** Carries out batches: by the operation for it, or in the steps that come to the same. */
export class HttpWriter {
  readonly #settings: WriterSettings
  readonly #compiled = new Map<Operation, Compiled>()
  readonly #marks: IdempotencyMarks

  constructor(settings: WriterSettings) {
    this.#settings = settings
    this.#marks = idempotencyMarks(settings.notes)
  }

  async write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]> {
    const { object, mode, match, options } = this.#settings
    const route = routeOf(object, batch.operation, mode)
    if (typeof route === 'string') throw new Error(`${batch.operation} in mode ${mode}: ${route}`)
    if (batch.operation === 'delete' && object.insert !== undefined && hasIdempotencyKey(object.insert)) {
      this.#marks.beforeDelete()
    }
    const rows = (operation: Operation) => rowsOf(batch, { operation, match, timestamps: options.timestamps })
    if (route.by === 'operation') return await this.#send(route.operation, rows(route.operation), signal)
    const outcomes: Outcome[] = []
    // The declaration allows one row for these.
    for (const [at, row] of rows('insert').entries()) {
      const updated = rows('update')[at] as Row
      outcomes.push(
        await (route.by === 'insert_or_update'
          ? this.#insertFirst(row, updated, signal)
          : this.#findFirst(row, batch.operation === 'insert' ? undefined : updated, signal)),
      )
    }
    return outcomes
  }

  async #insertFirst(inserted: Row, updated: Row, signal: AbortSignal): Promise<Outcome> {
    const [made] = await this.#send('insert', [inserted], signal)
    if (made?.status !== 'exists') return created(made as Outcome)
    const [outcome] = await this.#send('update', [updated], signal)
    return refusedUnlessThere(outcome as Outcome)
  }

  /** Where there is no row to update with, what is found stays as it is. */
  async #findFirst(inserted: Row, updated: Row | undefined, signal: AbortSignal): Promise<Outcome> {
    const found = await this.#lookUp(updated ?? inserted, signal)
    if ('code' in found) return refused(found)
    if (found.id === undefined) return created((await this.#send('insert', [inserted], signal))[0] as Outcome)
    if (updated === undefined) return EXISTS
    const [outcome] = await this.#send('update', [{ ...updated, id: found.id }], signal)
    return withId(refusedUnlessThere(outcome as Outcome), found.id)
  }

  /** Sends what can be sent, and answers for the rest what is wrong with it. */
  async #send(name: Operation, rows: readonly Row[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const compiled = this.#compile(name)
    const outcomes: (Outcome | undefined)[] = new Array(rows.length).fill(undefined)
    const ready: Row[] = []
    const places: number[] = []
    for (const [at, row] of rows.entries()) {
      const identified = await this.#identified(compiled, row, signal)
      if ('status' in identified) outcomes[at] = identified
      else {
        places.push(at)
        ready.push({ ...identified, number: ready.length })
      }
    }
    const { name: object, options, sender, clock } = this.#settings
    const mark = this.#marks.of(name)
    const sending: Sending = { compiled, object, options, sender, clock, signal, mark }
    const sent = ready.length === 0 ? [] : await inRequests(ready, sending)
    for (const [at, outcome] of sent.entries()) outcomes[places[at] as number] = identifiedBy(outcome, ready[at]?.id)
    return outcomes as readonly Outcome[]
  }

  /** The row with the id that its request needs, or what it comes to without one. */
  async #identified(compiled: Compiled, row: Row, signal: AbortSignal): Promise<Row | Outcome> {
    let identified = row
    if (row.id === undefined && compiled.usesId && this.#settings.object.lookup !== undefined) {
      const found = await this.#lookUp(row, signal)
      if ('code' in found) return refused(found)
      if (found.id === undefined) return compiled.name === 'delete' ? { status: 'done' } : NOT_FOUND
      identified = { ...row, id: found.id }
    }
    const problem = unsendable(compiled, identified)
    if (problem !== undefined) return refused(problem)
    if (identified.id === undefined && compiled.usesId) {
      return refused({
        code: 'no_record_id',
        message: 'the id that the service has given this record is not known: declare a `lookup` for the object',
      })
    }
    return identified
  }

  async #lookUp(row: Row, signal: AbortSignal) {
    const { object, options, sender, clock } = this.#settings
    if (object.lookup === undefined) throw new FatalError('lookup_failed', 'there is no lookup; declare one')
    return await lookUp(row, { lookup: object.lookup, options, sender, clock, signal })
  }

  #compile(name: Operation): Compiled {
    const known = this.#compiled.get(name)
    if (known !== undefined) return known
    const compiled = compileOperation(name, this.#settings.object[name] as HttpOperation)
    this.#compiled.set(name, compiled)
    return compiled
  }
}

function refused(problem: Unsendable | Unfound): Outcome {
  return { status: 'rejected', ...problem }
}

/** Where the reply does not say what the id of the record is, it is the one that the request was sent with. */
function identifiedBy(outcome: Outcome, id: string | undefined): Outcome {
  return outcome.status === 'done' && outcome.id === undefined && id !== undefined ? { ...outcome, id } : outcome
}

function created(outcome: Outcome): Outcome {
  return outcome.status === 'done' ? { ...outcome, created: true } : outcome
}

function withId(outcome: Outcome, id: string): Outcome {
  return outcome.status === 'done' ? { ...outcome, id: outcome.id ?? id, created: false } : outcome
}

/** The service has just said that the record is there, and now that it is not. */
function refusedUnlessThere(outcome: Outcome): Outcome {
  if (outcome.status === 'done') return { ...outcome, created: false }
  if (outcome.status !== 'not_found') return outcome
  const message =
    'the service says that the record exists, and does not find it to update it: match by a field that it finds records by'
  return { status: 'rejected', code: 'exists_and_not_found', message }
}
