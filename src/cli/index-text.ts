import type { EntryStateName, IndexDetails, RebuiltIndex } from '../index.ts'
import { formatCount } from './printable.ts'
import { formatBytes, formatTime } from './run-line.ts'
import type { Style } from './style.ts'

const MEANINGS: Readonly<Record<EntryStateName, string>> = {
  acknowledged: 'written, and the content is known',
  unsure: 'was being written or deleted when a run ended: the next run does it again',
  unsure_new: 'was being inserted when a run ended: perhaps it is there',
  adopted: 'listed by the destination, never in the model: kept by deletes.scope seen',
  seen: 'listed by the destination, and has been in the model',
  retired: 'cleared or soft-deleted',
}

/** A key index that was found sound. */
export function formatIndex(details: IndexDetails, style: Style): string {
  const { sync, path, bytes, entries, by_state, key, destination, mapping, listed_at } = details
  const label = (text: string) => `  ${style('dim', text.padEnd(12))}  `
  const states = (Object.entries(by_state) as [EntryStateName, number][]).filter(([, count]) => count > 0)
  const width = Math.max(0, ...states.map(([, count]) => formatCount(count).length))
  return [
    `${style('bold', sync)}  ${formatCount(entries)} keys  ${formatBytes(bytes)}  ${style('green', 'sound')}`,
    ...states.map(([state, count]) => `${label(state)}${formatCount(count).padStart(width)}  ${MEANINGS[state]}`),
    `${label('key')}${key === null ? '-' : key.map(({ column, encoding }) => `${column} (${encoding})`).join(', ')}`,
    `${label('destination')}${destination ?? '-'}`,
    `${label('listed')}${listed_at === null ? 'never' : formatTime(listed_at)}`,
    `${label('mapping')}${mapping === null ? '-' : mapping.slice(0, 16)}`,
    `${label('file')}${path}`,
  ].join('\n')
}

export function formatRebuilt({ sync, listed }: RebuiltIndex): string {
  if (listed === null) {
    return (
      `${sync}: the key index is new and empty, because the destination cannot list its keys\n` +
      '  the next run sends every row, and deletes nothing that was written before'
    )
  }
  const records = `${formatCount(listed)} ${listed === 1 ? 'record' : 'records'}`
  return (
    `${sync}: the key index is new and holds the keys of ${records} of the destination\n` +
    '  what they contain is not known, so the next run sends every row once; see first with `rowferry plan`'
  )
}

export function formatForgotten(sync: string, forgotten: boolean): string {
  if (!forgotten) return `${sync} has no key index; there was nothing to forget`
  return (
    `${sync}: the key index is gone, and the next run is a first run\n` +
    '  with deletes.scope seen, none of the records that are there now counts as its own any more'
  )
}
