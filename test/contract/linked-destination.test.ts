import { testDestination } from '../../src/testing/index.ts'
import { linkedDestination } from '../support/linked-destination.ts'

const destination = linkedDestination({
  rows: 500,
  lists: 'paged',
  refuses: (record) => (record['name'] === 'refuse me' ? 'no' : undefined),
})

testDestination({
  name: 'a destination that knows records by ids',
  destination: destination.definition,
  options: {},
  object: 'contacts',
  fields: { email: 'text', name: 'text' },
  row: (n) => ({ email: `user${n}@example.com`, name: `name ${n}` }),
  refusedRow: (n) => ({ email: `user${n}@example.com`, name: 'refuse me' }),
  alias: (n) => ({ email: `USER${n}@Example.com`, name: `name ${n}` }),
  empty: async () => destination.records.clear(),
  records: async () => [...destination.records.values()],
  waive: {
    'tells keys apart by their bytes': 'it finds records by texts in lower case',
    'leaves a field as it is where a null is to be skipped': 'the map writes what it gets',
    'writes a field that is for inserts only when it makes the record, and then no more': 'the map writes what it gets',
  },
})
