import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFolder } from '../support/memory-folder.ts'
import { FAULTS } from './faults.ts'
import { DEFAULT_RATES, type History } from './history.ts'
import { historyOf } from './random-history.ts'
import { type Regression, regressions } from './regressions.ts'
import { describeFailure } from './seed-range.ts'
import { simulateSeeds } from './seed-workers.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulation.ts'

const SEEDS = Number(process.env['ROWFERRY_SEEDS'] ?? 20_000)

for (const { why, history } of regressions()) {
  test(`a history that once went wrong: ${why}`, async () => {
    using folder = memoryFolder()
    const { violation, trace } = await simulate(history, folder.file('state'))
    assert.equal(violation, undefined, trace.join('\n'))
  })
}

test('a seed says everything that happens', async () => {
  using folder = memoryFolder()
  for (let seed = 1; seed <= 60; seed++) {
    const rates = { ...DEFAULT_RATES, sync: 0.2 }
    const once = await simulate(historyOf(seed, rates), folder.file('state'))
    const again = await simulate(historyOf(seed, rates), folder.file('state'))
    assert.deepEqual(again, once, `seed ${seed}`)
  }
})

test('a history that breaks a rule is made smaller, and still breaks that rule', async () => {
  using folder = memoryFolder()
  const honest = historyOf(11, { ...DEFAULT_RATES, linked: 0 })
  // No model like this can be delivered: which of both rows is right?
  const last = [
    ['1', 'a'],
    ['2', 'a'],
    ['2', 'b'],
    ['4', 'c'],
  ] as const
  const history: History = { ...honest, last }
  const { violation } = await simulate(history, folder.file('state'))
  assert.equal(violation?.rule, 'convergence')
  const smallest = await shrink(history, 'convergence', folder.file('state'))
  assert.deepEqual(smallest.runs, [])
  assert.deepEqual(smallest.last, [
    ['2', 'a'],
    ['2', 'b'],
  ])
  const message = describeFailure({ seed: 11, message: 'run 1', history: smallest })
  assert.match(message, /npm run simulate -- --seed 11/)
  const printed = JSON.parse(message.split('\n').at(-1) as string) as Regression
  assert.equal((await simulate(printed.history, folder.file('state'))).violation?.rule, 'convergence')
})

test(`whatever goes wrong in ${SEEDS} histories, nothing is lost, orphaned or deleted without proof`, async (context) => {
  const totals = await simulateSeeds({ from: 1, seeds: SEEDS, rates: DEFAULT_RATES })
  const { histories, runs, points, crashes, faults, statuses, failures } = totals
  context.diagnostic(`${histories} histories, ${runs} runs, ${points} points, ${crashes} crashes`)
  context.diagnostic(JSON.stringify(statuses))
  context.diagnostic(JSON.stringify(faults))
  assert.equal(failures.length, 0, failures.map(describeFailure).join('\n\n'))
  assert.equal(histories, SEEDS)
  if (SEEDS < 5_000) return
  const never = Object.entries(FAULTS).flatMap(([kind, names]) =>
    names.map((name) => `${kind}: ${name}`).filter((name) => faults[name] === undefined),
  )
  assert.deepEqual(never, [], 'these never happened')
})
