import type { Config, RunRecord } from '../index.ts'
import { usageError } from './cli-error.ts'

/** The run of that id, or the newest for `last`. Throws a usage error that names ids that would do. */
export async function oneRun(config: Config, id: string): Promise<RunRecord> {
  const { findRun, runHistory, suggestion } = await import('../index.ts')
  const [newest, ...others] = await runHistory(config, { limit: 1000 })
  if (newest === undefined) throw usageError('there are no runs yet', 'begin with `rowferry run`')
  if (id === 'last') return newest
  const found = await findRun(config, id)
  if (found !== undefined) return found
  const ids = [newest, ...others].map(({ runId }) => runId)
  const alike = ids.filter((one) => id !== '' && (one.startsWith(id) || one.endsWith(id)))
  if (alike.length > 1)
    throw usageError(`${alike.length} runs are like "${id}"`, `one of ${alike.slice(0, 3).join(', ')}`)
  throw usageError(`no run "${id}"${suggestion(id, ids)}`, `the newest is ${newest.runId}; see \`rowferry history\``)
}
