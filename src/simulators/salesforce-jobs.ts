import { begin, processTogether } from './salesforce-ingest.ts'
import type { IngestJob } from './salesforce-ingest-job.ts'
import type { QueryJob } from './salesforce-query-jobs.ts'
import type { SalesforceWorld } from './salesforce-world.ts'

/** All jobs of an org, and what has become of them by now. */
export interface SalesforceJobs {
  readonly ingest: Map<string, IngestJob>
  readonly query: Map<string, QueryJob>
  /** The number in the id of the next job. */
  nextNumber(): number
  /** Does what was due since it was last asked: jobs are begun, batches processed, old jobs removed. */
  advance(): void
}

export function salesforceJobs(world: SalesforceWorld): SalesforceJobs {
  const ingest = new Map<string, IngestJob>()
  const query = new Map<string, QueryJob>()
  let last = 0
  /** When the workers are done with the batches that were processed last. */
  let freeAt = 0

  const step = (now: number): boolean => {
    const { queue_ms: queue, batch_ms: duration, parallel_batches: most } = world.settings
    const waiting = [...ingest.values()].filter(({ state }) => state === 'UploadComplete' || state === 'InProgress')
    const readyAt = (job: IngestJob) => (job.closed?.at ?? 0) + queue
    const start = Math.max(freeAt, Math.min(...waiting.map(readyAt)))
    if (waiting.length === 0 || start > now) return false
    for (const job of waiting) {
      if (job.state === 'UploadComplete' && readyAt(job) <= start) begin(world, job, start)
    }
    const running = waiting.filter(({ state }) => state === 'InProgress')
    if (running.length > 0 && start + duration > now) return false
    freeAt = start + duration
    processTogether(world, roundRobin(running, most), freeAt)
    return true
  }
  return {
    ingest,
    query,
    nextNumber: () => ++last,
    advance() {
      const now = Math.floor(world.clock.now())
      const { retention_ms: retention, queue_ms: queue } = world.settings
      while (step(now));
      for (const job of query.values()) job.finish(world, now, queue)
      for (const jobs of [ingest, query]) {
        for (const [id, { createdAt }] of jobs) if (createdAt + retention <= now) jobs.delete(id)
      }
    },
  }
}

/** The jobs whose next batches are processed, each as often as it has batches and its turn comes. */
function roundRobin(jobs: readonly IngestJob[], most: number): IngestJob[] {
  const turns: IngestJob[] = []
  const left = new Map(jobs.map((job) => [job, batchesLeft(job)]))
  for (let added = true; added && turns.length < most; ) {
    added = false
    for (const job of jobs) {
      const count = left.get(job) as number
      if (count === 0 || turns.length >= most) continue
      left.set(job, count - 1)
      turns.push(job)
      added = true
    }
  }
  return turns
}

/** At least one: a job without rows is ended by its turn. */
function batchesLeft({ plan, failAfter }: IngestJob): number {
  if (plan === undefined) return 0
  const left = Math.max(1, Math.ceil((plan.outcomes.length - plan.next) / plan.batchSize))
  return failAfter === undefined ? left : Math.max(1, Math.min(left, failAfter - plan.next / plan.batchSize))
}
