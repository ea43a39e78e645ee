import { fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Rates } from './history.ts'
import { addTotals, noTotals, type SeedRange, type Totals } from './seed-range.ts'

export interface SimulationRequest {
  readonly from: number
  readonly seeds: number
  readonly rates: Rates
  readonly workers?: number
  /** Called now and then with what was done so far. */
  readonly onProgress?: (totals: Totals) => void
}

/** Seeds of one piece of work. */
const PIECE = 1000

/** Simulates that many seeds in several processes at a time, piece by piece; no further piece once one has failed. */
export async function simulateSeeds(request: SimulationRequest): Promise<Totals> {
  const { from, seeds, rates, workers = availableParallelism(), onProgress } = request
  const totals = noTotals()
  const end = from + seeds
  let next = from
  const work = async () => {
    const worker = fork(join(import.meta.dirname, 'seed-worker.ts'), { execArgv: ['--import', 'tsx'] })
    const died = once(worker, 'exit').then(([code]) => {
      throw new Error(`a process of the simulation ended with ${code}`)
    })
    try {
      while (next < end && totals.failures.length === 0) {
        const piece: SeedRange = { from: next, until: Math.min(next + PIECE, end), step: 1, rates }
        next = piece.until
        worker.send(piece)
        const [done] = (await Promise.race([once(worker, 'message'), died])) as [Totals]
        addTotals(totals, done)
        onProgress?.(totals)
      }
    } finally {
      died.catch(() => {})
      worker.disconnect()
    }
  }
  await Promise.all(Array.from({ length: Math.min(workers, Math.ceil(seeds / PIECE)) }, work))
  return totals
}
