import type { Preview, PreviewRow } from '../index.ts'
import { type Cell, formatTable, type TableOptions } from './table.ts'

/** Mapped rows below the names of their fields; a row that would not be sent says why. */
export function formatPreview({ fields, rows }: Preview, options: TableOptions): string {
  const names = fields.map((field) => field.name)
  const columns = ['key', ...names].map((title) => ({ title }))
  return formatTable(
    columns,
    rows.map((row) => cellsOf(row, names)),
    options,
  )
}

function cellsOf({ key, fields, issue }: PreviewRow, names: readonly string[]): Cell[] {
  const first: Cell = key ?? { text: 'null', format: 'red' }
  if (fields === null) return [first, { text: `${issue?.code}: ${issue?.message}`, format: 'red' }]
  return [
    first,
    ...names.map((name): Cell => {
      const value = fields[name] ?? null
      return value === null ? { text: 'null', format: 'dim' } : value
    }),
  ]
}
