import { parseArgs } from 'node:util'
import { memoryFolder } from '../support/memory-folder.ts'
import { DEFAULT_RATES, type History, type Rates } from './history.ts'
import { historyOf } from './random-history.ts'
import type { Regression } from './regressions.ts'
import { describeFailure } from './seed-range.ts'
import { simulateSeeds } from './seed-workers.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulation.ts'

/**
 *   npm run simulate                              a million seeds
 *   npm run simulate -- --seeds 50000 --from 7    so many, from that one on
 *   npm run simulate -- --seed 7                  one seed: what happens in it, and in the smallest that fails alike
 *   npm run simulate -- --history JSON            a history, or the line that a failure prints
 * Rates, from 0 to 1: `--faulty` runs with faults, `--lies` of the source, `--sync` histories through sync() itself,
 * `--linked` histories of a destination that finds its records by an e-mail.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    history: { type: 'string' },
    workers: { type: 'string' },
    faulty: { type: 'string', default: String(DEFAULT_RATES.faulty) },
    lies: { type: 'string', default: String(DEFAULT_RATES.lies) },
    sync: { type: 'string', default: String(DEFAULT_RATES.sync) },
    linked: { type: 'string', default: String(DEFAULT_RATES.linked) },
  },
})
const rates: Rates = {
  faulty: Number(values.faulty),
  lies: Number(values.lies),
  sync: Number(values.sync),
  linked: Number(values.linked),
}

async function show(history: History): Promise<boolean> {
  using folder = memoryFolder()
  const { trace, violation } = await simulate(history, folder.file('state'))
  console.log(trace.join('\n'))
  if (violation === undefined) {
    console.log('every rule holds')
    return true
  }
  console.log(`run ${violation.run} breaks the rule "${violation.rule}": ${violation.message}`)
  const smallest = await shrink(history, violation.rule, folder.file('state'))
  console.log(`\nthe smallest history that does the same:\n${JSON.stringify(smallest)}`)
  console.log((await simulate(smallest, folder.file('state'))).trace.join('\n'))
  return false
}

async function run(): Promise<boolean> {
  if (values.history !== undefined) {
    const given = JSON.parse(values.history) as History | Regression
    return await show('history' in given ? given.history : given)
  }
  if (values.seed !== undefined) return await show(historyOf(Number(values.seed), rates))
  const began = performance.now()
  const totals = await simulateSeeds({
    from: Number(values.from),
    seeds: Number(values.seeds),
    rates,
    ...(values.workers === undefined ? {} : { workers: Number(values.workers) }),
    onProgress: ({ histories, failures }) => {
      const seconds = Math.round((performance.now() - began) / 1000)
      console.error(`${histories} histories in ${seconds} s, ${failures.length} failed`)
    },
  })
  const { failures, ...rest } = totals
  console.log(
    JSON.stringify({ ...rest, failures: failures.length, seconds: (performance.now() - began) / 1000 }, null, 2),
  )
  for (const failure of failures) console.log(describeFailure(failure))
  return failures.length === 0
}

process.exitCode = (await run()) ? 0 : 1
