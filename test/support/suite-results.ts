import { spawnSync } from 'node:child_process'

/** What node:test said of each case, by suite: `ok`, `not ok`, or `skip`. */
export type SuiteResults = ReadonlyMap<string, ReadonlyMap<string, 'ok' | 'not ok' | 'skip'>>

/**
 * Runs a file that registers suites, in a process of its own, and reads the results. For files that are no tests of
 * this project: suites that have to fail.
 */
export function runSuites(file: string): SuiteResults {
  // What this process got from its own test runner would make the other report to nobody.
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--test-reporter=tap', file], {
    encoding: 'utf8',
    env: environment,
    timeout: 120_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  const suites = new Map<string, Map<string, 'ok' | 'not ok' | 'skip'>>()
  let cases = new Map<string, 'ok' | 'not ok' | 'skip'>()
  for (const line of stdout.split('\n')) {
    const suite = /^# Subtest: (.+)$/.exec(line)?.[1]
    if (suite !== undefined) {
      cases = new Map()
      suites.set(suite, cases)
    }
    const [, said, name, directive] = /^ {4}(ok|not ok) \d+ - (.+?)(?: # (SKIP.*))?$/.exec(line) ?? []
    if (said !== undefined && name !== undefined) {
      // TAP writes a backslash before what would mean something to it.
      cases.set(name.replace(/\\(.)/g, '$1'), directive === undefined ? (said as 'ok' | 'not ok') : 'skip')
    }
  }
  return suites
}

/** Names of the cases of a suite that failed. */
export function failures(results: SuiteResults, suite: string): string[] {
  const cases = results.get(suite)
  if (cases === undefined) throw new Error(`there is no suite ${suite}; there are ${[...results.keys()].join(', ')}`)
  return [...cases].filter(([, result]) => result === 'not ok').map(([name]) => name)
}

/** Waives every case but one, so that a suite of one mutant takes no longer than it has to. */
export function waiveAllBut<Case extends string>(cases: readonly Case[], one: string): Partial<Record<Case, string>> {
  const others = cases.filter((name) => name !== one).map((name) => [name, 'this suite is about another case'])
  return Object.fromEntries(others) as Partial<Record<Case, string>>
}
