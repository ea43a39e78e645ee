import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { FAULT_POINTS, type FaultPoint } from '../../src/cli/fault-points.ts'
import type { Report } from '../../src/index.ts'
import type { CliExit } from './cli-process.ts'
import { type KillSetup, SENT_TWICE } from './kill-setups.ts'
import type { Random } from './seeded-random.ts'

/** What became of some rounds. */
export interface KillTally {
  kills: number
  /** Kills that left the destination neither as it was nor as the model is. */
  midway: number
}

export function reportOf({ stdout, stderr }: CliExit): Report {
  assert.notEqual(stdout, '', stderr)
  return JSON.parse(stdout) as Report
}

export function digest(rows: readonly string[]): string {
  return createHash('sha256').update(rows.join('\n')).digest('hex')
}

/** Kills runs with SIGKILL at random moments, `kills` times, the model another one each time; then everything has to be right. */
export async function killAtRandom(setup: KillSetup, random: Random, kills: number): Promise<KillTally> {
  const tally = { kills: 0, midway: 0 }
  // How long a run takes before its source is read, and from then on.
  const began = performance.now()
  const first = setup.start()
  await setup.reading(first)
  const startMs = performance.now() - began
  assert.equal((await first.exit).code, 0, (await first.exit).stderr)
  const restMs = performance.now() - began - startMs
  for (let run = 1; tally.kills < kills; run++) {
    assert.ok(
      run < kills * 4 + 10,
      `only ${tally.kills} of ${run} runs were still going on when they were to be killed`,
    )
    await setup.mutate(random.below(1_000_000))
    const [before, expected] = [digest(await setup.target.written()), digest(await setup.expected())]
    const process = setup.start()
    if (random.chance(0.15)) await delay(random.below(startMs))
    else {
      await setup.reading(process)
      await delay(random.below(restMs * 0.7))
    }
    process.child.kill('SIGKILL')
    const { signal, code, stderr } = await process.exit
    await setup.target.settled()
    assert.ok(signal === 'SIGKILL' || code === 0, stderr)
    if (signal === 'SIGKILL') tally.kills++
    const now = digest(await setup.target.written())
    if (now !== before && now !== expected) tally.midway++
  }
  await setup.mutate(random.below(1_000_000))
  await assertConverges(setup, tally.kills * SENT_TWICE)
  return tally
}

/**
 * Lets one run kill itself when it comes to that point for that time; then a complete run of another model has to make
 * everything right, and send no more than it must. False where the run was over before: it does not come there so often.
 */
export async function killAtPoint(setup: KillSetup, point: FaultPoint, pass: number, random: Random): Promise<boolean> {
  await setup.mutate(random.below(1_000_000))
  const { code, signal, stderr } = await setup.start({ point, pass }).exit
  await setup.target.settled()
  assert.ok(signal === 'SIGKILL' || code === 0, `${point}:${pass} ended with ${code}: ${stderr}`)
  if (random.chance(0.5)) await setup.mutate(random.below(1_000_000))
  await assertConverges(setup, signal === 'SIGKILL' ? SENT_TWICE : 0)
  return signal === 'SIGKILL'
}

/** All points, each at its first pass and at a later one. */
export function faultPasses(random: Random): (readonly [FaultPoint, number])[] {
  return FAULT_POINTS.flatMap((point) => [1, 2 + random.below(40)].map((pass) => [point, pass] as const))
}

/** A complete run brings the destination to its model, and sends at most so many changes that it did not have to. */
export async function assertConverges(setup: KillSetup, superfluous: number): Promise<void> {
  const { target } = setup
  const expected = await setup.expected()
  const differing = differences(await target.written(), expected)
  const exit = await setup.start().exit
  assert.equal(exit.code, 0, exit.stderr)
  const { status, counts } = reportOf(exit)
  assert.equal(status, 'succeeded')
  assert.equal(digest(await target.written()), digest(expected))
  const changes = counts.inserted + counts.updated + counts.deleted
  assert.ok(
    changes >= differing && changes <= differing + superfluous,
    `${changes} changes were sent for ${differing} differences; ${superfluous} may be sent twice`,
  )
}

/** How many keys the two lists of `id …` say different things of. */
function differences(one: readonly string[], other: readonly string[]): number {
  const [left, right] = [new Set(one), new Set(other)]
  const differing = [...one.filter((row) => !right.has(row)), ...other.filter((row) => !left.has(row))]
  return new Set(differing.map((row) => row.slice(0, row.indexOf(' ')))).size
}
