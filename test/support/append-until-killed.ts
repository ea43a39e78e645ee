import { sync } from '../../src/index.ts'
import { mapSource } from './map-source.ts'
import { column } from './row-batches.ts'

/**
 * Syncs rows into a file until it is done or killed: `node append-until-killed.js FILE STATE ROWS`. Each value says
 * which row it belongs to, so that half a line is told from a whole one.
 */
const [, , path = '', state = '', count = '0'] = process.argv
const rows = Array.from({ length: Number(count) }, (_, id) => [String(id), `row ${id} `.repeat(20)])
const source = mapSource([column('id', 'integer'), column('name')], rows)

const report = await sync(
  {
    version: 1,
    state,
    connections: { model: { type: 'rows' }, out: `file:${path}` },
    syncs: {
      rows: {
        source: { connection: 'model', table: 'rows' },
        key: 'id',
        mode: 'insert-only',
        destination: { connection: 'out', object: 'rows' },
        batch: { size: 200 },
      },
    },
  },
  { sources: [source.definition] },
)
process.stdout.write(`${report.status} ${report.error?.message ?? ''}\n`)
