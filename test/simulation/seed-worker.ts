import { memoryFolder } from '../support/memory-folder.ts'
import { type SeedRange, simulateRange } from './seed-range.ts'

/** Simulates the ranges of seeds that its parent sends, one after the other, until that goes away. */
const folder = memoryFolder()
process.once('disconnect', () => {
  folder[Symbol.dispose]()
  process.exit()
})
process.on('message', async (range) => {
  process.send?.(await simulateRange(range as SeedRange, folder.file('state')))
})
