import type { Writable } from 'node:stream'
import * as z from 'zod'
import type { ChangeBatch, Field } from '../core/change.ts'
import {
  type Destination,
  type DestinationDefinition,
  defineDestination,
  type ObjectRequest,
} from '../core/destination.ts'
import { FatalError } from '../core/errors.ts'
import { DONE, type Outcome } from '../core/outcome.ts'
import { SYNC_MODE_NAMES } from '../core/sync-mode.ts'
import { changeAsCsv, changeAsJson, refuseForCsv } from './written-changes.ts'
import { csvLine, jsonMembers } from './written-rows.ts'

const PART = '(?:what=(?:changes|rows)|format=(?:csv|ndjson))'
const URL_FORM = new RegExp(`^stdout:(?://)?(?:\\?${PART}(?:&${PART})?)?$`)

const format = z.enum(['csv', 'ndjson'])
const what = z.enum(['changes', 'rows'])

const stdoutOptions = z
  .strictObject({
    type: z.literal('stdout').optional(),
    url: z
      .string()
      .regex(URL_FORM, 'expected stdout:, or stdout:?what=rows&format=csv')
      .optional()
      .describe('stdout:, or with the options in it: stdout:?what=rows&format=csv. Default: `"stdout:"`.'),
    format: format.optional().describe('How lines are written. Default: `ndjson`.'),
    what: what
      .optional()
      .describe('changes: a line for each change, with what it is; rows: new rows, as they are. Default: `changes`.'),
  })
  .transform((options) => {
    const written = new URLSearchParams(options.url?.split('?')[1])
    return {
      format: format.parse(options.format ?? written.get('format') ?? 'ndjson'),
      what: what.parse(options.what ?? written.get('what') ?? 'changes'),
    }
  })

export type StdoutOptions = z.output<typeof stdoutOptions>

/**
 * The standard output of the process, for the program behind the pipe. It cannot be asked what it holds: the key index
 * is all there is, so a run prints what is new since the last one.
 */
export const stdoutDestination = outputDestination(() => process.stdout)

/** The same for any stream. */
export function outputDestination(output: () => Writable): DestinationDefinition<StdoutOptions> {
  return defineDestination<StdoutOptions>({
    type: 'stdout',
    schemes: ['stdout'],
    options: stdoutOptions,
    object: (_name, { what }) => ({
      // A row says nothing of what became of it: only new ones can be told by rows alone.
      syncModes: what === 'rows' ? ['insert-only'] : SYNC_MODE_NAMES,
      limits: { rows: 1_000, bytes: 1024 * 1024, inFlight: 1 },
      shared: false,
      lists: 'never',
      match: 'any',
      deletesAs: ['delete'],
      creates: true,
    }),
    identity: ({ format, what }) => `stdout:${what}/${format}`,
    open: async (options, object) => new OutputDestination(output(), options, object),
  })
}

class OutputDestination implements Destination {
  readonly #output: Writable
  readonly #options: StdoutOptions
  readonly #object: ObjectRequest
  #failure: Error | undefined
  readonly #onError = (error: Error) => {
    this.#failure ??= error
  }

  constructor(output: Writable, options: StdoutOptions, object: ObjectRequest) {
    this.#output = output
    this.#options = options
    this.#object = object
    // Without a listener, a reader that goes away would end the process.
    output.on('error', this.#onError)
  }

  async check(): Promise<readonly string[]> {
    const { format, what } = this.#options
    if (format === 'csv' && what === 'changes') refuseForCsv(this.#object.fields)
    return []
  }

  async prepare(): Promise<void> {
    if (this.#options.format !== 'csv') return
    const names = this.#object.fields.map(({ name }) => name)
    await this.#print(csvLine(this.#options.what === 'changes' ? ['op', ...names] : names))
  }

  async write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]> {
    signal.throwIfAborted()
    const line = this.#lineOf(batch)
    let text = ''
    for (let index = 0; index < batch.count; index++) text += line(batch.values(index))
    await this.#print(text)
    return new Array<Outcome>(batch.count).fill(DONE)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#output.removeListener('error', this.#onError)
  }

  #lineOf(batch: ChangeBatch): (values: (string | null)[]) => string {
    const { format, what } = this.#options
    const { fields } = batch
    if (what === 'rows') {
      return format === 'csv' ? (values) => csvLine(values) : (values) => `{${jsonMembers(fields, values)}}\n`
    }
    const change = { operation: batch.operation, match: this.#object.match.length }
    if (format === 'ndjson') return (values) => changeAsJson(change.operation, fields, values, change.match)
    const places = this.#object.fields.map(({ name }) => fields.findIndex((field: Field) => field.name === name))
    return (values) => changeAsCsv(change.operation, values, places)
  }

  /** Waits until the system has taken the text: a slow reader slows the run, and nothing piles up. */
  async #print(text: string): Promise<void> {
    if (this.#failure !== undefined) throw closed(this.#failure)
    await new Promise<void>((resolve, reject) => {
      this.#output.write(text, (error) => (error == null ? resolve() : reject(closed(error))))
    })
  }
}

function closed(error: Error): FatalError {
  const { code } = error as NodeJS.ErrnoException
  const gone = code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ERR_STREAM_WRITE_AFTER_END'
  return new FatalError(
    gone ? 'output_closed' : 'output_failed',
    gone
      ? 'whoever reads stdout has read enough: what it did not take is printed by the next run'
      : `stdout cannot be written (${error.message}): look at where it goes`,
    { cause: error },
  )
}
