import { z } from 'zod'
import type { ChangeBatch } from '../../src/core/change.ts'
import {
  type Destination,
  type DestinationDefinition,
  defineDestination,
  type KeyList,
} from '../../src/core/destination.ts'
import { BatchRefusedError, FatalError, RetryableError, UnansweredError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { RowBatch } from '../../src/core/row-batch.ts'
import { SYNC_MODE_NAMES } from '../../src/core/sync-mode.ts'
import { compareKeyTexts } from '../support/key-order.ts'
import { rowBatch } from '../support/row-batches.ts'
import { durableIndex } from './durable-index.ts'
import type { FaultAt } from './faults.ts'
import type { Setup } from './history.ts'
import type { Change } from './judge.ts'
import { identityOf } from './linked-records.ts'
import { rejection } from './rules.ts'
import type { Running } from './running.ts'

/** A destination over the oracle's map. Each batch that arrives is a point at which something can go wrong. */
export function simulatedDestination(run: Running): Destination {
  let sends = 0
  return {
    check: async () => [],
    prepare: async () => run.alive(),
    async write(batch) {
      run.alive()
      const { delays } = run.setup
      const number = sends++
      const changes = changesOf(batch, run.setup)
      const what = `${batch.operation} ${changes.map(describeChange).join(' ')}`
      const request = run.oracle.arrives(batch, changes, durableIndex(run.index))
      const fault = run.points.reach('send', what)
      run.trace.push(fault === undefined ? what : `${what}: ${fault}`)
      try {
        if (fault === 'crash before') run.crash()
        if (fault === 'cancel') run.cancel()
        const delay = delays[number % delays.length] ?? 0
        if (delay > 0) await run.clock.sleep(delay)
        if (run.atTheCrash !== undefined) {
          // It was on its way when the process died: every other one arrives.
          if (number % 2 === 0) run.oracle.apply(changes)
          run.alive()
        }
        const outcomes = answer(run, changes, fault)
        request.answered(outcomes)
        return outcomes
      } catch (error) {
        request.failed(error)
        throw error
      }
    },
    ...(run.setup.records === 'email and id' ? { identity: ([email]) => identityOf(String(email)) } : {}),
    ...(run.setup.listing === 'never' ? {} : { list: () => listOf(run) }),
    [Symbol.asyncDispose]: async () => {},
  }
}

function answer(run: Running, changes: readonly Change[], fault: FaultAt<'send'> | undefined): readonly Outcome[] {
  const { oracle, plan } = run
  const late = run.late.splice(0)
  try {
    const half = () => oracle.apply(changes.slice(0, changes.length >> 1))
    const [what, when] = (fault ?? '').split(' ')
    if (fault === 'refused' || changes.some(({ key }) => plan.refuses.includes(key)))
      throw new BatchRefusedError('planned', 'planned: nothing of this batch was applied')
    if (fault === 'rejected') return changes.map(({ key }) => rejection(key))
    if (fault === 'deferred') {
      const applied = oracle.apply(changes.filter((_, index) => index % 2 === 1))
      return changes.map((_, index) => (index % 2 === 0 ? open('deferred') : (applied[index >> 1] as Outcome)))
    }
    if (fault === 'unknown') {
      return oracle.apply(changes).map((outcome, index) => (index % 2 === 0 ? open('unknown') : outcome))
    }
    if (when === 'late') run.late.push(() => oracle.apply(changes))
    if (when === 'within') half()
    const applied = when === 'after' || what === 'answers' || what === 'no' || what === 'answered' || what === 'applied'
    const outcomes: readonly Outcome[] =
      applied || fault === undefined || fault === 'cancel' ? oracle.apply(changes) : []
    if (what === 'crash') run.crash()
    // Such a destination has one error for what may have been applied, whatever it was that happened.
    const isDoubtful = when === 'after' || when === 'within' || when === 'late'
    if (run.setup.insertsTwice === true && isDoubtful && what !== 'bug') throw new UnansweredError('planned: no answer')
    if (what === 'retry') throw new RetryableError('planned: busy')
    if (what === 'fatal') throw new FatalError('planned', 'planned: the connection broke')
    if (what === 'bug') throw new TypeError('planned: x is not a function')
    switch (fault) {
      case 'answers missing':
        return outcomes.slice(0, -1)
      case 'no answers':
        return []
      case 'answers undefined':
        return outcomes.map((outcome, index) => (index === 0 ? undefined : outcome)) as Outcome[]
      case 'answered twice':
        return [...outcomes, ...outcomes]
      case 'applied twice':
        return run.setup.insertsTwice === true ? outcomes : oracle.apply(changes)
      default:
        return outcomes
    }
  } finally {
    for (const deliver of late) deliver()
  }
}

function open(status: 'deferred' | 'unknown'): Outcome {
  return { status, code: 'planned', message: 'planned: ask again' }
}

function changesOf(batch: ChangeBatch, { records }: Setup): Change[] {
  const keyField = records === 'email and id' ? 'ref' : 'id'
  return Array.from({ length: batch.count }, (_, index) => {
    const texts = batch.values(index)
    const values = Object.fromEntries(batch.fields.map(({ name }, at) => [name, texts[at] ?? null]))
    const deletes = batch.operation === 'delete' || values['gone'] === 'yes'
    return { operation: batch.operation, deletes, key: values[keyField] ?? '', values, id: batch.ids?.[index] }
  })
}

function describeChange({ key, values, id }: Change): string {
  const { email, v } = values
  return `${key}=${v ?? ''}${email == null ? '' : `,${email}`}${id === undefined ? '' : `@${id}`}`
}

function listOf(run: Running): KeyList {
  const keys = run.oracle.keys().map((key): [string] => [key])
  if (run.setup.sortedList) keys.sort((a, b) => compareKeyTexts(['integer'], a, b))
  async function* rows(): AsyncGenerator<RowBatch> {
    for (let at = 0; at <= keys.length; at++) {
      run.alive()
      const key = keys[at]
      const fault = run.points.reach('key', key === undefined ? 'the end of the list' : `listed ${key[0]}`)
      if (fault !== undefined) run.trace.push(`list ${at}: ${fault}`)
      if (fault === 'crash before') run.crash()
      if (fault === 'breaks') throw new FatalError('connection_lost', 'planned: the connection broke')
      if (fault === 'stops') return
      if (fault === 'unproven') yield rowBatch([], { rows: at, proven: false, evidence: 'planned' })
      if (key !== undefined) yield rowBatch([key])
    }
    yield rowBatch([], { rows: keys.length, proven: true, evidence: 'planned' })
  }
  return { sorted: run.setup.sortedList, rows: rows() }
}

/** For `sync()`. */
export function simulatedDefinition(run: Running): DestinationDefinition<{ url?: string | undefined }> {
  const { listing, limits, records = 'key', insertsTwice } = run.setup
  return defineDestination({
    type: 'map',
    schemes: ['map'],
    options: z.object({ url: z.string().optional() }),
    object: () => ({
      syncModes: SYNC_MODE_NAMES,
      limits,
      shared: false,
      lists: listing === 'never' ? 'never' : 'cheap',
      match: 'any',
      deletesAs: ['delete'],
      creates: false,
      links: records !== 'key',
      insertsAgain: insertsTwice === true ? 'twice' : 'once',
    }),
    identity: () => 'map:',
    open: async () => simulatedDestination(run),
  })
}
