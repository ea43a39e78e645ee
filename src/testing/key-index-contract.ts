import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyIndex } from '../core/key-index.ts'
import { registerCases } from './contract-case.ts'
import { KEY_INDEX_CASES as CASES } from './key-index-cases.ts'

/** A key index, open. */
export interface OpenKeyIndex extends KeyIndex {
  close(): void
}

/** The name of a case of {@link testKeyIndex}. */
export type KeyIndexCase = keyof typeof CASES

/** What {@link testKeyIndex} has to know about a key index. */
export interface KeyIndexContract {
  /**
   * URL of a module that exports `openIndex(folder)`, which opens the index that is kept in that folder, or makes it.
   * Child processes import it, too: they are killed in the middle of their work.
   */
  readonly module: string
  /** Cases that this index does not meet, and why. They are shown as skipped. */
  readonly waive?: Readonly<Partial<Record<KeyIndexCase, string>>>
  /** Title of the suite. */
  readonly name?: string
}

/** What the module of a {@link KeyIndexContract} exports. */
export interface KeyIndexModule {
  openIndex(folder: string): Promise<OpenKeyIndex>
}

/** One case's view of the index: a folder of its own. */
export interface KeyIndexTrial {
  readonly module: string
  readonly folder: string
  open(): Promise<OpenKeyIndex>
}

export const KEY_INDEX_CASE_NAMES = Object.keys(CASES) as readonly KeyIndexCase[]

/** Registers the cases of the key index contract with node:test. */
export function testKeyIndex({ module, name = 'the key index', waive = {} }: KeyIndexContract): void {
  registerCases(name, withFolders(), waive, async () => {
    const { openIndex } = (await import(module)) as KeyIndexModule
    const folder = mkdtempSync(join(tmpdir(), 'rowferry-contract-'))
    return { module, folder, open: () => openIndex(folder) }
  })
}

/** The cases, each of which takes its folder away again. */
function withFolders(): typeof CASES {
  const cases = Object.entries(CASES).map(([name, { run }]) => [
    name,
    {
      async run(trial: KeyIndexTrial) {
        try {
          await run(trial)
        } finally {
          rmSync(trial.folder, { recursive: true, force: true })
        }
      },
    },
  ])
  return Object.fromEntries(cases) as typeof CASES
}
