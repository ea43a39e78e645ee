/**
 * What can go wrong at a numbered point of a run. Wherever something crashes, the next run sees the files as they were
 * durable at that moment, and what the run still does is of no effect.
 */
export const FAULTS = {
  /** A durable step: a transaction of the key index or the run history, or the closing of its file. */
  step: [
    'crash before',
    'crash after',
    /** Power fails while it is written: the end of the write-ahead log is missing. */
    'crash within',
    'disk full',
  ],
  /** A batch that arrives at the destination. */
  send: [
    'crash before',
    'crash after',
    'crash within',
    'fatal before',
    'fatal after',
    'fatal within',
    'bug before',
    'bug after',
    'retry before',
    /** The batch is applied, the reply lost, and the batch is sent again. */
    'retry after',
    'retry within',
    /** The reply is lost, and the batch is applied behind what is sent instead. */
    'retry late',
    'fatal late',
    /** The batch as a whole. */
    'refused',
    /** Each change of the batch. */
    'rejected',
    /** Every other change: it is not applied now, and may be later. */
    'deferred',
    /** Of every other change the answer does not say what became of it; all are applied. */
    'unknown',
    'answers missing',
    'no answers',
    'answers undefined',
    /** One outcome for each change, and then all of them again. */
    'answered twice',
    /** The network delivers the batch twice; the second answer counts. */
    'applied twice',
    'cancel',
  ],
  /** A row that the source is about to send, or its end. */
  row: ['breaks', 'stops', 'crash before', 'cancel'],
  /** A key that the destination is about to list, or the end of the list. */
  key: ['breaks', 'stops', 'unproven', 'crash before'],
} as const

export type PointKind = keyof typeof FAULTS
export type FaultAt<Kind extends PointKind> = (typeof FAULTS)[Kind][number]

/** The process is dead: whatever it does from now on fails. */
export class Crash extends Error {
  override readonly name = 'Crash'
}
