import { describe, type TestContext, test } from 'node:test'

/** A value, or how to come by it: asked for inside of the tests, when servers that they start are there. */
export type Given<Value> = Value | (() => Value | Promise<Value>)

export async function given<Value>(value: Given<Value>): Promise<Value> {
  return typeof value === 'function' ? await (value as () => Value | Promise<Value>)() : value
}

/** A requirement. Its name, by which it is waived, is the key under which it stands. */
export interface ContractCase<Trial> {
  /** Why this connector does not have to meet it, from what it declares or from what the contract lacks. */
  readonly exempt?: (trial: Trial) => string | undefined
  readonly run: (trial: Trial) => Promise<void>
}

export type ContractCases<Trial> = Readonly<Record<string, ContractCase<Trial>>>

/** Longest time for one case, in milliseconds. A connector that hangs fails, and does not hang the suite. */
const CASE_TIMEOUT_MS = 60_000

/**
 * Registers the cases with node:test. What does not apply is skipped with its reason, so that the output tells what was
 * not looked at and why. Throws TypeError where a waiver names no case: it would hide nothing and look as if it did.
 */
export function registerCases<Trial>(
  suite: string,
  cases: ContractCases<Trial>,
  waivers: Readonly<Record<string, string>>,
  begin: () => Promise<Trial>,
): void {
  for (const name of Object.keys(waivers)) {
    if (!Object.hasOwn(cases, name)) throw new TypeError(`waive names "${name}", which is no case of this contract`)
  }
  describe(suite, () => {
    for (const [name, { exempt, run }] of Object.entries(cases)) {
      test(name, { timeout: CASE_TIMEOUT_MS }, async (context: TestContext) => {
        const waived = Object.hasOwn(waivers, name) ? waivers[name] : undefined
        if (waived !== undefined) return context.skip(`waived: ${waived}`)
        const trial = await begin()
        const reason = exempt?.(trial)
        if (reason !== undefined) return context.skip(reason)
        await run(trial)
      })
    }
  })
}

/** Fails unless `promise` settles in time; hands on what it settled with. */
export async function within<Value>(milliseconds: number, what: string, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
