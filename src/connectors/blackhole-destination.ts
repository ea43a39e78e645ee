import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import type { ChangeBatch } from '../core/change.ts'
import { skipFields } from '../core/copy-text.ts'
import { type Destination, defineDestination } from '../core/destination.ts'
import { fingerprint } from '../core/fingerprint.ts'
import { DONE, type Outcome } from '../core/outcome.ts'
import { SYNC_MODE_NAMES } from '../core/sync-mode.ts'
import { withUrl } from './url-options.ts'

const SHAPE = {
  latency: z.number().min(0).max(600_000),
  reject_rate: z.number().min(0).max(1),
  rows: z.int().min(1).max(1_000_000),
} as const

export type BlackholeOptions = { readonly [Name in keyof typeof SHAPE]: z.output<(typeof SHAPE)[Name]> }

const DEFAULTS: BlackholeOptions = { latency: 0, reject_rate: 0, rows: 10_000 }

const blackholeOptions = z
  .strictObject({
    type: z.literal('blackhole').optional(),
    url: z
      .string()
      .regex(/^blackhole:(\/\/)?(\?.*)?$/, 'expected blackhole:, or blackhole:?latency=5&reject_rate=0.01')
      .optional()
      .describe(
        'blackhole:, or with the options in it: blackhole:?latency=5&reject_rate=0.01. Default: `"blackhole:"`.',
      ),
    latency: SHAPE.latency.optional().describe('Milliseconds until a batch is answered. Default: `0`.'),
    reject_rate: SHAPE.reject_rate
      .optional()
      .describe('Share of the keys whose changes are rejected: the same keys every time. Default: `0`.'),
    rows: SHAPE.rows.optional().describe('Most changes of a batch. Default: `10000`.'),
  })
  .transform(({ type: _, url, ...given }, context) => ({ ...DEFAULTS, ...withUrl(url, given, SHAPE, context) }))

const REJECTED: Outcome = Object.freeze({
  status: 'rejected',
  code: 'blackhole_rejected',
  message: 'this key is among those that `reject_rate` picks: lower it',
})

/** Accepts everything and keeps nothing: to measure the rest, to rehearse a sync, to see what rejects look like. */
export const blackholeDestination = defineDestination<BlackholeOptions>({
  type: 'blackhole',
  schemes: ['blackhole'],
  options: blackholeOptions,
  object: (_name, options) => ({
    syncModes: SYNC_MODE_NAMES,
    limits: { rows: options.rows, bytes: 8 * 1024 * 1024, inFlight: 2 },
    shared: false,
    lists: 'never',
    match: 'any',
    deletesAs: ['delete', 'archive'],
    creates: true,
  }),
  identity: () => 'blackhole:',
  async open(options, object): Promise<Destination> {
    return {
      check: async () => [],
      prepare: async () => {},
      async write(batch, signal) {
        signal.throwIfAborted()
        if (options.latency > 0) await delay(options.latency, undefined, { signal })
        const outcomes = new Array<Outcome>(batch.count).fill(DONE)
        if (options.reject_rate > 0) reject(batch, object.match.length, options.reject_rate, outcomes)
        return outcomes
      },
      [Symbol.asyncDispose]: async () => {},
    }
  },
})

function reject(batch: ChangeBatch, match: number, rate: number, outcomes: Outcome[]): void {
  const hash = new Uint32Array(2)
  for (let row = 0; row < batch.count; row++) {
    const start = row === 0 ? 0 : (batch.ends[row - 1] as number)
    // The separator behind the key, a tab or the newline of a delete, is no part of it.
    const end = match < batch.fields.length ? skipFields(batch.text, start, match) : (batch.ends[row] as number)
    fingerprint(batch.text, start, end - 1, 0, 0, hash, 0)
    if ((hash[0] as number) / 2 ** 32 < rate) outcomes[row] = REJECTED
  }
}
