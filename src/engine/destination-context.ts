import { type Clock, systemClock } from '../core/clock.ts'
import type { DestinationContext, DestinationDefinition, SeenRequest } from '../core/destination.ts'
import type { DestinationNotes } from '../core/record-links.ts'
import type { Rate, RequestGate } from '../core/request-gate.ts'
import type { Tally } from '../core/tally.ts'
import { PacedGate } from '../pipeline/request-gate.ts'
import { joinGate } from './request-gates.ts'

/** What a run lends to the destination it opens, and counts by. All may be left out by those who only look. */
export interface Lending {
  readonly clock?: Clock | undefined
  readonly signal?: AbortSignal | undefined
  readonly tally?: Tally | undefined
  /** `batch.rate` of the sync. */
  readonly rate?: Rate | undefined
  /** Default: notes that nobody keeps. */
  readonly notes?: DestinationNotes | undefined
  readonly onRequest?: ((seen: SeenRequest) => void) | undefined
}

/** What a destination gets when it is opened, and the gate that the sender enters before each batch. */
export interface LentContext extends Disposable {
  readonly context: DestinationContext
  /** Undefined where the destination enters its gate for each request. */
  readonly batchGate: RequestGate | undefined
}

/** Makes ready what is lent to a destination; to be disposed when that is closed. */
export function lendContext<Options>(
  definition: DestinationDefinition<Options>,
  options: Options,
  { clock = systemClock, signal, tally, rate, notes = forgottenNotes(), onRequest }: Lending,
): LentContext {
  const limit = definition.pacing?.(options)
  if (limit === undefined) {
    const batchGate = new PacedGate(clock, []).view({ rate, tally, signal })
    return { context: { gate: OPEN_GATE, clock, notes, onRequest }, batchGate, [Symbol.dispose]() {} }
  }
  const joined = joinGate(clock, definition.type, limit)
  const gate = joined.gate.view({ rate, tally, signal })
  return {
    context: { gate, clock, notes, onRequest },
    batchGate: undefined,
    [Symbol.dispose]: () => joined[Symbol.dispose](),
  }
}

/** For destinations whose batches are counted: what they do inside of one is theirs. */
const OPEN_GATE: RequestGate = {
  async enter(signal) {
    signal.throwIfAborted()
    return { leave() {} }
  },
}

/** Notes of a run that leaves nothing behind. */
function forgottenNotes(): DestinationNotes {
  const notes = new Map<string, string>()
  return {
    all: () => new Map(notes),
    set: (name, value) => void (value === null ? notes.delete(name) : notes.set(name, value)),
  }
}
