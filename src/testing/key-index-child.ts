import { argv, stdout } from 'node:process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { UNSURE, UNSURE_NEW } from '../core/key-entry.ts'
import type { KeyIndexModule } from './key-index-contract.ts'
import { entry, numberedKey, segmentOf } from './key-index-entries.ts'

/**
 * Works on a key index until it is killed. Run by the key index contract as
 * `node key-index-child.js MODULE FOLDER once|forever`; says on stdout what is committed.
 */
const [, , module = '', folder = '', task] = argv
const { openIndex } = (await import(module)) as KeyIndexModule
const index = await openIndex(folder)

if (task === 'once') {
  const lane = index.lane()
  lane.intend(0, segmentOf([entry('a', UNSURE_NEW, 0), entry('b', UNSURE_NEW, 0)]))
  index.commit()
  lane.put(0, segmentOf([entry('a'), entry('b')]))
  lane.intend(1, segmentOf([entry('c', UNSURE, 0), entry('d', UNSURE, 0)]))
  index.commit()
  // From here on nothing is committed: it must not be there afterwards.
  lane.put(1, segmentOf([entry('c'), entry('d')]))
  lane.intend(2, segmentOf([entry('e', UNSURE_NEW, 0)]))
  stdout.write('committed\n')
  setInterval(() => {}, 60_000)
} else {
  const [left, right] = [index.lane(), index.lane()]
  for (let n = 0; ; n++) {
    left.put(n, segmentOf([entry(`left-${numberedKey(n)}`)]))
    right.put(n, segmentOf([entry(`right-${numberedKey(n)}`)]))
    index.commit()
    stdout.write(`${n}\n`)
    await nextTurn()
  }
}
