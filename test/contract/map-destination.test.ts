import { testDestination } from '../../src/testing/index.ts'
import { mapDestination } from '../support/map-destination.ts'

const destination = mapDestination({
  limits: { rows: 500, inFlight: 3 },
  refuses: (values) => (values['name'] === 'refuse me' ? 'no_such_name' : undefined),
})

testDestination({
  name: 'a destination over a map',
  destination: destination.definition,
  options: {},
  object: 'users',
  fields: { id: 'integer', name: 'text', plan: 'text', amount: 'decimal' },
  row: (n) => ({ id: String(n), name: `name ${n}`, plan: null, amount: `${n}.50` }),
  refusedRow: (n) => ({ id: String(n), name: 'refuse me', plan: null, amount: null }),
  empty: async () => destination.records.clear(),
  records: async () => [...destination.records.values()],
})
