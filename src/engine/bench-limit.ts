import type { StageTime } from './bench-run.ts'

/** What a run would have to be faster at to take less time. */
export interface BenchLimit {
  readonly stage: StageTime['stage']
  /** The same in words, with figures. */
  readonly message: string
}

/** From this share of the time on, the process waits because the source is slower than it. */
const WAITING_SHARE = 0.2

/** What people call what rows are read from. */
const NAMES: Readonly<Record<string, string>> = {
  postgres: 'Postgres',
  postgresql: 'Postgres',
  sqlite: 'SQLite',
  file: 'the file',
}

const WORDS: Readonly<Record<StageTime['stage'], string>> = {
  waiting: 'waiting',
  source: 'reading',
  sorting: 'sorting the rows',
  keying: 'keying',
  diff: 'the diff',
  filter: 'the filter',
  writer: 'the writer',
  index: 'the key index',
  other: 'starting and ending',
}

/** Of the parts of one run; `source` is the type of the connector that the rows come from. */
export function limitOf(stages: readonly StageTime[], source: string): BenchLimit {
  const name = NAMES[source] ?? source
  const total = stages.reduce((sum, stage) => sum + stage.us_per_row, 0)
  const waiting = stages.find(({ stage }) => stage === 'waiting')
  if (waiting !== undefined && waiting.share >= WAITING_SHARE) {
    const here = digits(total - waiting.us_per_row)
    return { stage: 'waiting', message: `${name} is the limit: ${digits(total)} µs a row there, ${here} here` }
  }
  const [slowest] = [...stages].sort((a, b) => b.share - a.share)
  if (slowest === undefined || slowest.stage === 'other') {
    return { stage: 'other', message: 'starting and ending is the largest part: more rows would tell more' }
  }
  const reading = source === 'generate' ? 'making the rows' : `reading ${name}`
  const what = slowest.stage === 'source' ? reading : WORDS[slowest.stage]
  const cost = `${digits(slowest.us_per_row)} of ${digits(total)} µs a row`
  return { stage: slowest.stage, message: `this process is the limit; the largest part is ${what}: ${cost}` }
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0)
}
