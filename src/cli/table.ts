import { oneLine } from './printable.ts'
import type { Format, Style } from './style.ts'

/** A text, or a text in a colour. */
export type Cell = string | { readonly text: string; readonly format: Format }

export interface TableColumn {
  readonly title: string
  readonly align?: 'right'
}

export interface TableOptions {
  readonly style: Style
  /** Characters of a line. */
  readonly width: number
}

const GAP = '  '
/** No column is made narrower than this for the sake of others. */
const NARROWEST = 8

/** Rows below their titles. Where they do not fit, the widest columns are cut, and at last the lines. */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly Cell[])[],
  { style, width }: TableOptions,
): string {
  const texts = rows.map((row) => row.map((cell) => oneLine(typeof cell === 'string' ? cell : cell.text)))
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...texts.map((row) => lengthOf(row[at] ?? ''))))
  shrink(widths, width - GAP.length * (columns.length - 1))
  const shown = fitting(widths, width)
  const line = (cells: readonly string[], colour: (text: string, at: number) => string) =>
    shown
      .map((columnWidth, at) => {
        const text = oneLine(cells[at] ?? '', columnWidth)
        const space = ' '.repeat(Math.max(0, columnWidth - lengthOf(text)))
        const last = at === shown.length - 1
        if (columns[at]?.align === 'right') return space + colour(text, at)
        return colour(text, at) + (last ? '' : space)
      })
      .join(GAP)
      .trimEnd()
  const titles = columns.map(({ title }) => title)
  return [
    line(titles, (text) => style('dim', text)),
    ...texts.map((row, index) =>
      line(row, (text, at) => {
        const cell = rows[index]?.[at]
        return typeof cell === 'object' ? style(cell.format, text) : text
      }),
    ),
  ].join('\n')
}

/** Takes from the widest column, again and again, until all fit or none can give any more. */
function shrink(widths: number[], room: number): void {
  for (let excess = sum(widths) - room; excess > 0; ) {
    const widest = widths.indexOf(Math.max(...widths))
    const current = widths[widest] as number
    const next = Math.max(NARROWEST, ...widths.filter((width) => width < current))
    if (current <= NARROWEST) return
    const taken = Math.min(excess, Math.max(1, current - next))
    widths[widest] = current - taken
    excess -= taken
  }
}

/** The columns that fit on a line, the last of them perhaps in part. */
function fitting(widths: readonly number[], width: number): number[] {
  const shown: number[] = []
  let left = width
  for (const columnWidth of widths) {
    if (left < 1) break
    shown.push(Math.min(columnWidth, left))
    left -= columnWidth + GAP.length
  }
  return shown
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** Characters, as a terminal counts most of them. */
function lengthOf(text: string): number {
  return Array.from(text).length
}
