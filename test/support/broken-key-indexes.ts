import { testKeyIndex } from '../../src/testing/index.ts'
import { KEY_INDEX_CASE_NAMES } from '../../src/testing/key-index-contract.ts'
import { KEY_INDEX_MUTANTS } from './broken-key-index.ts'
import { waiveAllBut } from './suite-results.ts'

const module = new URL('./broken-key-index.ts', import.meta.url).href

testKeyIndex({ name: 'in order', module })
for (const [name, { caughtBy }] of Object.entries(KEY_INDEX_MUTANTS)) {
  const waive = waiveAllBut(KEY_INDEX_CASE_NAMES, caughtBy)
  testKeyIndex({ name, module: `${module}?${encodeURIComponent(name)}`, waive })
}
