import { setMaxListeners } from 'node:events'
import type { ChangeBatch } from '../../src/core/change.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { type MapDestination, type MapDestinationOptions, mapDestination } from './map-destination.ts'

/** A map that answers nothing before it is flushed. It has no timer: who forgets to flush it waits for ever. */
export interface GatheringDestination extends MapDestination {
  /** How many batches each flush sent that had something to send. */
  readonly jobs: readonly number[]
}

export function gatheringDestination(options: MapDestinationOptions = {}): GatheringDestination {
  const inner = mapDestination(options)
  const jobs: number[] = []
  let gathered: (() => void)[] = []
  const { write, definition } = inner
  const gathering = Object.assign(Object.create(inner) as MapDestination, {
    write: (batch: ChangeBatch, signal: AbortSignal) =>
      new Promise<readonly Outcome[]>((resolve, reject) => {
        // A batch is only valid until it is answered, and this one is not before the job is.
        const send = () => void write(batch, signal).then(resolve, reject)
        gathered.push(send)
        const stop = () => {
          gathered = gathered.filter((other) => other !== send)
          reject(signal.reason)
        }
        setMaxListeners(0, signal)
        signal.addEventListener('abort', stop, { once: true })
      }),
    flush() {
      const job = gathered
      gathered = []
      if (job.length > 0) jobs.push(job.length)
      setImmediate(() => {
        for (const send of job) send()
      })
    },
    jobs,
  })
  return Object.assign(gathering, {
    definition: {
      ...definition,
      async open(...given: Parameters<typeof definition.open>) {
        await definition.open(...given)
        return gathering
      },
    },
  })
}
