import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { memoryFolder } from '../support/memory-folder.ts'

const PAIRS = 200
const RUN = new URL('../support/racing-run.ts', import.meta.url)

/** What a process says next. Two that both go on would wait for ever. */
async function said(child: ChildProcess): Promise<string> {
  const [message] = await once(child, 'message', { signal: AbortSignal.timeout(60_000) })
  return String(message)
}

test(`of two processes that start a sync at the same time, exactly one goes on: ${PAIRS} pairs`, async (context) => {
  using folder = memoryFolder()
  const options = { execArgv: ['--import', 'tsx'] }
  const children = [1, 2].map(() => fork(RUN, [folder.file('state')], options)) as [ChildProcess, ChildProcess]
  try {
    await Promise.all(children.map(said))
    const won = [0, 0]
    for (let pair = 0; pair < PAIRS; pair++) {
      const answers = children.map(said)
      for (const child of pair % 2 === 0 ? children : children.toReversed()) child.send('start')
      // Whoever holds the lock waits: the first answer comes from the other.
      const loser = await Promise.race(answers.map(async (answer, index) => ({ index, text: await answer })))
      assert.equal(loser.text, 'locked')
      const winner = 1 - loser.index
      children[winner]?.send('go on')
      assert.equal(await answers[winner], 'succeeded')
      ;(won[winner] as number)++
    }
    context.diagnostic(`the first of the two processes won ${won[0]} times, the second ${won[1]} times`)
  } finally {
    for (const child of children) child.kill()
  }
})
