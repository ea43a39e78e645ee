import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import { execArgv, execPath } from 'node:process'
import { ACKNOWLEDGED, ADOPTED, type EntryState, GONE, RETIRED, SEEN, UNSURE, UNSURE_NEW } from '../core/key-entry.ts'
import type { ContractCase } from './contract-case.ts'
import type { KeyIndexTrial, OpenKeyIndex } from './key-index-contract.ts'
import {
  current,
  entriesOf,
  entry,
  type IndexEntry,
  inOrder,
  numbered,
  numberedKey,
  segmentOf,
} from './key-index-entries.ts'

type Case = ContractCase<KeyIndexTrial>

/** Texts whose order by byte is not the one of their characters, nor of their lengths. */
const KEYS = ['b', 'a', 'ab', 'a\0', 'a\0b', 'B', 'ä', 'Z', '\u{1F600}', '\uFF61', '~', '10', '9', 'x'.repeat(5_000)]

export const KEY_INDEX_CASES = {
  'is empty at first': {
    run: (trial) => using(trial, (index) => assert.deepEqual(entriesOf(index.scan()), [])),
  },
  'gives back in byte order what was put into its lanes': {
    run: (trial) =>
      using(trial, (index) => {
        const entries = KEYS.map((key, n) => entry(key, ACKNOWLEDGED, n))
        const [first, second] = [index.lane(), index.lane()]
        first.put(0, segmentOf(entries.filter((_, n) => n % 2 === 0)))
        second.put(0, segmentOf(entries.filter((_, n) => n % 2 === 1)))
        index.compact()
        assert.deepEqual(entriesOf(index.scan()), inOrder(entries))
      }),
  },
  'keeps the state and the fingerprint of every entry': {
    run: (trial) =>
      using(trial, (index) => {
        const states: EntryState[] = [ACKNOWLEDGED, UNSURE, UNSURE_NEW, ADOPTED, SEEN, RETIRED]
        const entries = states.map((state, n) => entry(`${n}`, state, 0x7fffff00 + n))
        put(index, entries)
        assert.deepEqual(entriesOf(index.scan()), entries)
      }),
  },
  'holds many entries': {
    run: (trial) =>
      using(trial, (index) => {
        const entries = numbered(50_000)
        const lane = index.lane()
        for (let from = 0; from < entries.length; from += 1_000) {
          lane.put(from / 1_000, segmentOf(entries.slice(from, from + 1_000)))
          index.commit()
        }
        index.compact()
        const scan = index.scan()
        for (const expected of entries) {
          assert.ok(scan.next(), `nothing behind ${expected.key}`)
          assert.equal(scan.bytes.toString('utf8', scan.keyStart, scan.keyEnd), expected.key)
        }
        assert.equal(scan.next(), false)
      }),
  },
  'lets the newest of equal keys win': {
    run: (trial) =>
      using(trial, (index) => {
        put(index, [entry('a', ACKNOWLEDGED, 1), entry('b', ACKNOWLEDGED, 1)])
        put(index, [entry('b', UNSURE, 2)])
        put(index, [entry('a', ACKNOWLEDGED, 3)])
        assert.deepEqual(entriesOf(index.scan()), [entry('a', ACKNOWLEDGED, 3), entry('b', UNSURE, 2)])
      }),
  },
  'shows no entry that is gone': {
    run: (trial) =>
      using(trial, (index) => {
        put(index, numbered(5))
        put(index, [entry(numberedKey(1), GONE, 0), entry(numberedKey(4), GONE, 0), entry('never there', GONE, 0)])
        assert.deepEqual(keysOf(index), [0, 2, 3].map(numberedKey))
      }),
  },
  'scans what was there when the scan began, whatever is committed meanwhile': {
    run: (trial) =>
      using(trial, (index) => {
        const entries = numbered(3_000)
        put(index, entries)
        const scan = index.scan()
        const lane = index.lane()
        for (const [n, expected] of entries.entries()) {
          assert.ok(scan.next())
          assert.deepEqual(current(scan), expected)
          if (n % 500 !== 0) continue
          lane.put(n, segmentOf([entry(`key-${String(n).padStart(6, '0')}-new`)]))
          index.commit()
        }
        assert.equal(scan.next(), false)
      }),
  },
  'shows what was put once it is compacted, and stays the same however often that is done': {
    run: (trial) =>
      using(trial, (index) => {
        const lane = index.lane()
        lane.put(0, segmentOf(numbered(100)))
        index.commit()
        index.compact()
        assert.deepEqual(entriesOf(index.scan()), numbered(100))
        index.compact()
        index.compact()
        assert.deepEqual(entriesOf(index.scan()), numbered(100))
      }),
  },
  'replaces an intent by its answer, and removes it where the answer is empty': {
    run: (trial) =>
      using(trial, (index) => {
        const lane = index.lane()
        lane.intend(0, segmentOf([entry('a', UNSURE_NEW, 0)]))
        lane.intend(1, segmentOf([entry('b', UNSURE_NEW, 0)]))
        lane.intend(2, segmentOf([entry('c', UNSURE_NEW, 0)]))
        index.commit()
        lane.put(0, segmentOf([entry('a')]))
        lane.put(1, segmentOf([]))
        index.compact()
        assert.deepEqual(entriesOf(index.scan()), [entry('a'), entry('c', UNSURE_NEW, 0)])
      }),
  },
  'holds on to no bytes of a segment that is committed': {
    run: (trial) =>
      using(trial, (index) => {
        const lane = index.lane()
        for (const n of [0, 1]) {
          const segment = segmentOf([entry(`key-${n}`)])
          lane.put(n, segment)
          index.commit()
          segment.bytes.fill(0)
        }
        index.compact()
        assert.deepEqual(entriesOf(index.scan()), [entry('key-0'), entry('key-1')])
      }),
  },
  'is the same when it was closed and opened again': {
    async run(trial) {
      let seed: OpenKeyIndex['seed'] | undefined
      await using(trial, (index) => {
        seed = { ...index.seed }
        put(index, numbered(200))
        index.lane().put(0, segmentOf([entry('committed')]))
        index.commit()
      })
      await using(trial, (index) => {
        assert.deepEqual({ ...index.seed }, seed, 'fingerprints mean nothing under another seed')
        assert.deepEqual(keysOf(index), ['committed', ...numbered(200).map(({ key }) => key)])
      })
    },
  },
  'keeps what was committed, intents above all, when its process is killed': {
    async run(trial) {
      await killed(trial, 'once', (line) => line === 'committed')
      await using(trial, (index) => {
        const expected = [entry('a'), entry('b'), entry('c', UNSURE, 0), entry('d', UNSURE, 0)]
        assert.deepEqual(entriesOf(index.scan()), expected)
      })
    },
  },
  'commits all or nothing, whenever its process is killed': {
    async run(trial) {
      let last = -1
      await killed(trial, 'forever', (line) => {
        last = Number(line)
        return last >= 40
      })
      await using(trial, (index) => {
        const keys = keysOf(index)
        const of = (lane: string) => keys.filter((key) => key.startsWith(lane)).map((key) => key.slice(lane.length))
        assert.deepEqual(of('left-'), of('right-'), 'half of a commit is there')
        assert.deepEqual(
          of('left-'),
          of('left-').map((_, n) => numberedKey(n)),
          'a commit in the middle is missing',
        )
        assert.ok(of('left-').length > last, `commit ${last} is missing, which was said to be done`)
      })
    },
  },
} satisfies Record<string, Case>

async function using(trial: KeyIndexTrial, work: (index: OpenKeyIndex) => void): Promise<void> {
  const index = await trial.open()
  try {
    work(index)
  } finally {
    index.close()
  }
}

/** One run's worth of entries. */
function put(index: OpenKeyIndex, entries: readonly IndexEntry[]): void {
  index.lane().put(0, segmentOf(entries))
  index.compact()
}

function keysOf(index: OpenKeyIndex): string[] {
  return entriesOf(index.scan()).map(({ key }) => key)
}

/** Lets a child process work on the index, and kills it as soon as one of its lines is enough. */
async function killed(trial: KeyIndexTrial, task: string, enough: (line: string) => boolean): Promise<void> {
  const script = join(import.meta.dirname, `key-index-child${extname(import.meta.filename)}`)
  // Its loaders are wanted, but not that it is a test runner.
  const loaders = execArgv.filter((argument) => !argument.startsWith('--test'))
  const child: ChildProcess = spawn(execPath, [...loaders, script, trial.module, trial.folder, task], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const ended = once(child, 'close')
  let rest = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    if (lines.some(enough)) child.kill('SIGKILL')
  }
  await ended
  assert.equal(child.signalCode, 'SIGKILL', `the child process ended by itself:\n${errors}`)
}
