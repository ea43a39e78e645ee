import type { ConnectorInfo } from '../index.ts'
import { formatCount } from './printable.ts'
import { formatTable, type TableOptions } from './table.ts'

const LISTS = { cheap: 'in one scan', paged: 'by many calls', never: 'no' } as const
const MODES = 5

/** Connectors, a line each, and a line with what their destinations declare. */
export function formatConnectors(connectors: readonly ConnectorInfo[], options: TableOptions): string {
  const columns = ['type', 'source', 'destination', 'urls', 'what'].map((title) => ({ title }))
  const systems = connectors.map(({ type, source, destination, schemes, summary }) => [
    type,
    source ? 'yes' : '-',
    destination === null ? '-' : 'yes',
    schemes.map((scheme) => `${scheme}:`).join(' '),
    summary,
  ])
  const declared = connectors.flatMap(({ type, destination }) => {
    if (destination === null) return []
    const { syncModes, limits, lists, deletesAs, creates, shared } = destination
    return [
      [
        type,
        syncModes.length === MODES ? 'all' : syncModes.join(' '),
        `${formatCount(limits.rows)} rows`,
        String(limits.inFlight),
        LISTS[lists],
        deletesAs.join(', '),
        creates ? 'yes' : 'no',
        shared || lists === 'never' ? 'seen' : 'all',
      ],
    ]
  })
  const titles = ['destination', 'modes', 'batch', 'at once', 'lists keys', 'deletes as', 'creates', 'delete scope']
  return [
    formatTable(columns, systems, options),
    '',
    formatTable(
      titles.map((title) => ({ title })),
      declared,
      options,
    ),
  ].join('\n')
}
