import { blackholeDestination } from '../../src/connectors/blackhole-destination.ts'
import { testDestination } from '../../src/testing/index.ts'

testDestination({
  destination: blackholeDestination,
  options: { url: 'blackhole:' },
  object: 'anything',
  fields: { id: 'integer', name: 'text' },
  row: (n) => ({ id: String(n), name: `name ${n}` }),
  empty: async () => {},
  records: { waived: 'a black hole keeps nothing' },
})
