import { Writable } from 'node:stream'
import { outputDestination } from '../../src/connectors/stdout-destination.ts'
import { type ContractRecord, testDestination } from '../../src/testing/index.ts'
import { parseCsv } from '../support/csv-text.ts'

let printed = ''
const output = new Writable({
  write(chunk: Buffer, _encoding, callback) {
    printed += chunk.toString()
    callback()
  },
})

const destination = outputDestination(() => output)
const NO_ANSWER = 'a stream cannot be asked what it holds'

interface Change {
  readonly op: string
  readonly key: ContractRecord
  readonly fields?: ContractRecord
  readonly on_insert?: ContractRecord
}

/** What a reader holds that carries out the changes. */
function replayed(changes: readonly Change[]): ContractRecord[] {
  const records = new Map<string, ContractRecord>()
  for (const { op, key, fields, on_insert } of changes) {
    const id = JSON.stringify(key)
    const known = records.get(id)
    if (op === 'delete') records.delete(id)
    else if (op === 'update' && known === undefined) continue
    else if (op === 'insert' && known !== undefined) continue
    else records.set(id, { ...key, ...(known ?? on_insert), ...known, ...fields })
  }
  return [...records.values()]
}

const fields = { id: 'text', name: 'text', note: 'text' } as const
const row = (n: number) => ({ id: `id ${n}`, name: `name ${n}`, note: null })
const empty = async () => {
  printed = ''
}
const lines = () => printed.split('\n').slice(0, -1)

testDestination({
  name: 'changes on stdout as NDJSON',
  destination,
  options: { url: 'stdout:' },
  object: 'changes',
  fields,
  row,
  empty,
  records: async () => replayed(lines().map((line) => JSON.parse(line) as Change)),
  waive: {
    'answers one outcome per change, in order': NO_ANSWER,
    'answers exists to the insert of a record that is there, and leaves it as it is': NO_ANSWER,
    'answers exists when the same insert is sent twice': NO_ANSWER,
    'answers not_found to the update of a record that is not there, and makes none': NO_ANSWER,
    'makes a missing object when it is asked to, and not before it is prepared': 'a stream is always there',
  },
})

testDestination({
  name: 'changes on stdout as CSV',
  destination,
  options: { format: 'csv' },
  object: 'changes',
  fields,
  row,
  empty,
  records: async () => {
    // Each time it is opened there is a header.
    const rows = parseCsv(printed).filter(([op]) => op !== 'op')
    return replayed(
      rows.map(([op, id, name, note]) => ({
        op: String(op),
        key: { id: id ?? null },
        fields: { name: name ?? null, note: note ?? null },
      })),
    )
  },
  waive: {
    'answers one outcome per change, in order': NO_ANSWER,
    'answers exists to the insert of a record that is there, and leaves it as it is': NO_ANSWER,
    'answers exists when the same insert is sent twice': NO_ANSWER,
    'answers not_found to the update of a record that is not there, and makes none': NO_ANSWER,
    'makes a missing object when it is asked to, and not before it is prepared': 'a stream is always there',
    'leaves a field as it is where a null is to be skipped': 'CSV cannot say it, and the check refuses',
    'writes a field that is for inserts only when it makes the record, and then no more':
      'CSV cannot say it, and the check refuses',
  },
})

testDestination({
  name: 'rows on stdout as NDJSON',
  destination,
  options: { url: 'stdout:?what=rows&format=ndjson' },
  object: 'rows',
  fields,
  row,
  empty,
  records: async () => lines().map((line) => JSON.parse(line) as ContractRecord),
  waive: {
    'answers one outcome per change, in order': NO_ANSWER,
    'answers exists to the insert of a record that is there, and leaves it as it is': NO_ANSWER,
    'answers exists when the same insert is sent twice': NO_ANSWER,
    'makes a missing object when it is asked to, and not before it is prepared': 'a stream is always there',
  },
})
