// The long form of test/sync/kill.test.ts: `npm run kill -- --kills 10000 --seed 1`. Ends with 1 as soon as something is lost.
import { parseArgs } from 'node:util'
import { startPostgres } from '../src/testing/postgres.ts'
import { buildCli } from '../test/support/cli-process.ts'
import { faultPasses, killAtPoint, killAtRandom } from '../test/support/kill-rounds.ts'
import { KILL_SETUP_NAMES, type KillSetupName, setUpKills } from '../test/support/kill-setups.ts'
import { seededRandom } from '../test/support/seeded-random.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    setup: { type: 'string', multiple: true, default: [...KILL_SETUP_NAMES] },
  },
})
const wanted = Number(values.kills)
const setups = values.setup.map((name) => {
  const known = KILL_SETUP_NAMES.find((one) => one === name)
  if (known === undefined) throw new Error(`no setup ${name}: there is ${KILL_SETUP_NAMES.join(', ')}`)
  return known
})
/** Kills at random moments before everything has to be right once more; then come those at the fault points. */
const AT_RANDOM = 25

using cli = buildCli()
await using postgres = await startPostgres()
const began = performance.now()
const totals = { kills: 0, midway: 0, atPoints: 0, histories: 0 }
let next = Number(values.seed)

/** Histories of one setup, each with a seed, a model and a state of its own, until there were kills enough. */
async function keepKilling(type: KillSetupName): Promise<void> {
  while (totals.kills < wanted) {
    const seed = next++
    const random = seededRandom(seed)
    try {
      await using setup = await setUpKills(postgres, cli, type, `kill_${seed}`)
      const { kills, midway } = await killAtRandom(
        setup,
        random,
        Math.min(AT_RANDOM, Math.ceil(wanted / setups.length)),
      )
      totals.kills += kills
      totals.midway += midway
      for (const [point, pass] of faultPasses(random)) {
        if (totals.kills >= wanted) break
        if (!(await killAtPoint(setup, point, pass, random))) continue
        totals.kills++
        totals.atPoints++
      }
    } catch (error) {
      throw new Error(`failed: npm run kill -- --kills 50 --seed ${seed} --setup ${type}`, { cause: error })
    }
    totals.histories++
    const minutes = ((performance.now() - began) / 60_000).toFixed(1)
    console.log(`${minutes} min: ${totals.kills} kills, seed ${seed} of ${type} is right`)
  }
}

await Promise.all(setups.map(keepKilling))
console.log(
  `${totals.kills} kills in ${totals.histories} histories (${setups.join(', ')}), seeds ${values.seed} to ${next - 1}: ` +
    `${totals.atPoints} at fault points, ${totals.midway} of the others in the middle of the changes; nothing was lost`,
)
