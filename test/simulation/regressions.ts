import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { History } from './history.ts'

/** A history that has to go well, because it once did not. */
export interface Regression {
  /** What was wrong with the product. */
  readonly why: string
  readonly history: History
}

/** One a line in `regressions.ndjson`; a failure of the simulation prints the line to add. They run first. */
export function regressions(): Regression[] {
  const lines = readFileSync(join(import.meta.dirname, 'regressions.ndjson'), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Regression)
}
