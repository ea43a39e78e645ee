import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultPoint } from '../../src/cli/fault-points.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { type BuiltCli, buildCli } from '../support/cli-process.ts'
import { assertConverges, faultPasses, killAtPoint, killAtRandom, reportOf } from '../support/kill-rounds.ts'
import {
  KILL_SETUP_NAMES,
  KILL_SETUPS,
  type KillSetup,
  type KillSetupName,
  setUpKills,
} from '../support/kill-setups.ts'
import { seededRandom, seeds } from '../support/seeded-random.ts'

const isSimulated = (type: KillSetupName) => KILL_SETUPS[type].simulated
/** A hundred in all; `npm run kill` does as many as it is told. */
const kills = (type: KillSetupName) => (isSimulated(type) ? 8 : 38)
/** Where histories of many kills inside of one process try the rest. */
const POINTS: readonly FaultPoint[] = ['after-commit', 'during-write', 'after-write']
const STOPS = 3
const PAIRS = 5
const [SEED = 1] = seeds(1)

let postgres: TestPostgres
let cli: BuiltCli

before(async () => {
  cli = buildCli()
  postgres = await startPostgres()
})

after(async () => {
  cli[Symbol.dispose]()
  await postgres[Symbol.asyncDispose]()
})

const setUp = (type: KillSetupName, name: string): Promise<KillSetup> =>
  setUpKills(postgres, cli, type, `${name}_${type}`)

// Each waits for its processes most of the time.
describe('a run that is stopped', { concurrency: 3 }, () => {
  for (const type of KILL_SETUP_NAMES) {
    test(`after ${kills(type)} kill -9 at random moments, one complete run brings ${type} to the model`, async (context) => {
      await using setup = await setUp(type, 'kill')
      const tally = await killAtRandom(setup, seededRandom(SEED), kills(type))
      const again = reportOf(await setup.start().exit)
      assert.equal(again.counts.unchanged, again.counts.read)
      context.diagnostic(`${tally.kills} kills, ${tally.midway} of them in the middle of the changes`)
    })

    test(`killed at each fault point, the next run brings ${type} to the model and sends little twice`, async (context) => {
      await using setup = await setUp(type, 'point')
      const random = seededRandom(SEED)
      let killed = 0
      const passes = faultPasses(random).filter(([point]) => !isSimulated(type) || POINTS.includes(point))
      for (const [point, pass] of passes) {
        if (await killAtPoint(setup, point, pass, random)) killed++
        else assert.notEqual(pass, 1, `no run comes to ${point}`)
      }
      context.diagnostic(`${killed} kills at ${new Set(passes.map(([point]) => point)).size} points`)
    })
  }

  for (const type of KILL_SETUP_NAMES) {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      // Which of both it is makes no difference to a destination.
      if (isSimulated(type) && signal === 'SIGTERM') continue
      const stops = isSimulated(type) ? 1 : STOPS
      test(`${signal} lets ${type} finish what is in flight and keeps it: exit ${code}`, {
        skip: isSimulated(type) && 'its rows come all at once',
      }, async () => {
        await using setup = await setUp(type, `stop_${code}`)
        const gate = await setup.gate()
        const process = setup.start()
        for (let tries = 0; (await setup.target.count()) < 50; tries++) {
          assert.ok(!process.ended && tries < 6000, 'no rows arrive')
          await delay(5)
        }
        process.child.kill(signal)
        const exit = await process.exit
        await gate.open()
        assert.equal(exit.code, code, exit.stderr)
        const { status, counts } = reportOf(exit)
        assert.equal(status, 'cancelled')
        const written = (await setup.target.count()) - 1
        assert.equal(counts.inserted, written, 'a batch was sent and not waited for')
        await assertConverges(setup, 0)
      })

      test(`whenever ${signal} comes, ${type} has got all that was sent, and nothing is sent twice`, async (context) => {
        await using setup = await setUp(type, `stops_${code}`)
        const random = seededRandom(SEED)
        await assertConverges(setup, 0)
        const outcomes: string[] = []
        for (let stop = 1; stop <= stops; stop++) {
          await setup.mutate(random.below(1_000_000))
          const process = setup.start()
          await setup.reading(process)
          await delay(random.below(50))
          process.child.kill(signal)
          const exit = await process.exit
          const { status, counts } = reportOf(exit)
          // Where it comes too late, there is nothing left to stop.
          if (status !== 'succeeded') assert.deepEqual([status, exit.code], ['cancelled', code], exit.stderr)
          else assert.ok(exit.code === 0 || exit.code === code || exit.signal === signal, exit.stderr)
          outcomes.push(`${status} after ${counts.inserted + counts.updated + counts.deleted}`)
          await assertConverges(setup, 0)
        }
        context.diagnostic(`${stops} stops: ${outcomes.join(', ')}`)
      })
    }
  }

  test(`of two runs that start at once, exactly one goes on, and the other exits 75: ${PAIRS} pairs`, async () => {
    await using setup = await setUp('sqlite', 'race')
    for (let pair = 0; pair < PAIRS; pair++) {
      const gate = await setup.gate()
      const runs = [setup.start(), setup.start()]
      const loser = await Promise.race(runs.map(({ exit }) => exit))
      await gate.open()
      const exits = await Promise.all(runs.map(({ exit }) => exit))
      assert.deepEqual(exits.map((exit) => exit.code).sort(), [0, 75], exits.map(({ stderr }) => stderr).join('\n'))
      assert.equal(loser.code, 75)
      assert.match(loser.stderr, /another run of users is going on/)
    }
    await assertConverges(setup, 0)
  })
})
