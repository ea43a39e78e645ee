import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFolder } from '../support/memory-folder.ts'
import { FAULTS } from './faults.ts'
import { simulate } from './simulation.ts'
import { everyFault, SMALL_HISTORIES, withFaults } from './small-histories.ts'

/** The code that makes something durable, in the order in which a first run comes to it. */
const DURABLE_STEPS = [
  /lock of test\.sqlite by lockFile/,
  /commit of test\.sqlite by .*Function\.open/,
  /commit of history\.sqlite by openHistoryFile/,
  /commit of history\.sqlite by .*\.start/,
  /commit of test\.sqlite by .*KeyIndexFile\.bind/,
  /commit of test\.sqlite by .*LayerStore\.add .*put/,
  /commit of test\.sqlite by .*KeyIndexFile\.note listDestination/,
  /commit of test\.sqlite by .*KeyIndexFile\.note Run\.#list/,
  /commit of test\.sqlite by .*LayerStore\.add .*intend/,
  /commit of test\.sqlite by .*LayerStore\.write/,
  /commit of test\.sqlite by .*LayerStore\.add LayerStore\.#fold/,
  /commit of test\.sqlite by LayerStore\.#transaction LayerStore\.#fold/,
  /commit of test\.sqlite by LayerStore\.#transaction LayerStore\.compact .*runPipeline/,
  /commit of test\.sqlite by .*#dropGarbage/,
  /commit of test\.sqlite by .*KeyIndexFile\.note Run\.#between/,
  /close of test\.sqlite/,
  /commit of history\.sqlite by .*\.finish/,
  /close of history\.sqlite/,
]

test('every step that makes something durable is a numbered point, and so is every send, row and listed key', async () => {
  using folder = memoryFolder()
  const history = SMALL_HISTORIES['sync() in mode mirror']
  assert.ok(history !== undefined)
  const { points, violation } = await simulate(history, folder.file('state'), true)
  assert.equal(violation, undefined)
  const first = points[0]?.map(({ kind, what }) => `${kind}: ${what}`) ?? []
  let behind = 0
  for (const step of DURABLE_STEPS) {
    const at = first.findIndex((what, index) => index >= behind && step.test(what))
    assert.ok(at >= 0, `no point behind ${behind} is ${step} in\n${first.join('\n')}`)
    behind = at
  }
  const kinds = Object.keys(FAULTS).map((kind) => first.filter((what) => what.startsWith(`${kind}:`)).length)
  assert.ok(
    kinds.every((number) => number > 0),
    String(kinds),
  )
})

for (const [name, history] of Object.entries(SMALL_HISTORIES)) {
  test(`whatever happens once, at any point: ${name}`, async (context) => {
    using folder = memoryFolder()
    const undisturbed = await simulate(history, folder.file('state'))
    assert.equal(undisturbed.violation, undefined)
    let tried = 0
    let met = 0
    for (const one of everyFault(undisturbed.points.slice(0, history.runs.length))) {
      const disturbed = withFaults(history, [one])
      const { violation, points } = await simulate(disturbed, folder.file('state'))
      tried++
      if (points[one.run]?.some(({ fault }) => fault !== undefined)) met++
      assert.equal(violation, undefined, `npm run simulate -- --history '${JSON.stringify(disturbed)}'`)
    }
    assert.equal(met, tried)
    context.diagnostic(`${tried} faults, each in a history of its own`)
  })
}
