import type { Config } from '../config/resolved.ts'
import { FatalError, messageOf, RetryableError } from '../core/errors.ts'
import type { ReportedError } from '../core/report.ts'
import { ONCE } from '../pipeline/retry.ts'
import { checkConnections } from './check-connections.ts'
import { type OwnConnectors, openEnds } from './open-ends.ts'

/** What `validate` found out about one sync. */
export interface Validation {
  readonly sync: string
  readonly notes: readonly string[]
  readonly error: ReportedError | null
}

/**
 * Checks the syncs of a configuration against the systems they name, as a run would before its first row: both
 * ends answer, the model has its columns, the destination takes the fields and the mode. Writes nothing. Without
 * `connect`, and where rows come through a pipe, it checks the options of both ends and asks neither.
 */
export async function validate(
  config: Config,
  options: OwnConnectors & {
    readonly sync?: string | undefined
    readonly connect?: boolean | undefined
    /** Ends it; what was found out by then is the answer. */
    readonly signal?: AbortSignal | undefined
  } = {},
): Promise<Validation[]> {
  const results: Validation[] = []
  for (const sync of config.syncs.values()) {
    if (options.sync !== undefined && options.sync !== sync.name) continue
    if (options.signal?.aborted) break
    const variables = { runId: 'validate', startedAt: new Date(0).toISOString(), syncName: sync.name }
    try {
      await checkConnections(config, { ...options, sync: sync.name })
      // What comes through a pipe can be read once, and that is not now.
      const isPiped = sync.source.rows?.from === 'stdin'
      if (options.connect === false || isPiped) {
        const notes = isPiped ? ['its rows come from stdin, so nothing but the configuration was checked'] : []
        results.push({ sync: sync.name, notes, error: null })
        continue
      }
      await using ends = await openEnds(config, sync, { ...options, policy: ONCE }, variables)
      results.push({ sync: sync.name, notes: ends.notes, error: null })
    } catch (error) {
      if (options.signal?.aborted) break
      results.push({ sync: sync.name, notes: [], error: reported(error) })
    }
  }
  return results
}

/** An error as reports carry it. What is neither for the user nor for another attempt is a bug of ours and says so. */
export function reported(thrown: unknown): ReportedError {
  const error =
    thrown instanceof RetryableError
      ? new FatalError('temporary_failure', `${thrown.message}; run again`, { cause: thrown })
      : thrown
  if (error instanceof FatalError) return { code: error.code, message: error.message, kind: error.kind }
  return { code: 'internal_error', message: `${messageOf(error)} (a bug of rowferry: please report it)`, kind: 'bug' }
}
