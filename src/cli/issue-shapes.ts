import type { RowIssue, RunRecord } from '../index.ts'
import { formatCount, oneLine, printable } from './printable.ts'
import { formatTime } from './run-line.ts'
import type { TableOptions } from './table.ts'

/** Rows that did not land for what reads as the same reason. */
export interface IssueShape {
  readonly kind: RowIssue['kind']
  readonly code: string
  /** Of the first of them. */
  readonly message: string
  readonly count: number
  /** The first few. */
  readonly keys: readonly string[]
}

const MOST_SHAPES = 200
const KEYS = 3
const SHOWN = 20

/** Groups issues by kind, code and message, where messages that differ in a key, a number or a quoted value are one. */
export class IssueShapes {
  readonly #shapes = new Map<string, IssueShape>()
  /** Issues beyond the number of groups that are kept. */
  rest = 0

  add({ kind, code, message, key }: RowIssue): void {
    const id = `${kind} ${code} ${shapeOf(message, key)}`
    const known = this.#shapes.get(id)
    if (known === undefined && this.#shapes.size >= MOST_SHAPES) {
      this.rest++
      return
    }
    const { count, keys, message: first } = known ?? { count: 0, keys: [], message }
    const named = key !== null && keys.length < KEYS ? [...keys, key] : keys
    this.#shapes.set(id, { kind, code, message: first, count: count + 1, keys: named })
  }

  /** Largest first. */
  all(): IssueShape[] {
    return [...this.#shapes.values()].sort((a, b) => b.count - a.count)
  }
}

function shapeOf(message: string, key: string | null): string {
  const text = key === null || key === '' ? message : message.replaceAll(key, '…')
  return text.replace(/"[^"]*"|'[^']*'|\([^()]*\)/g, '…').replace(/\d+/g, '…')
}

/** The groups of a run, each with its first message and a few keys. */
export function formatIssues(run: RunRecord, shapes: IssueShapes, { style, width }: TableOptions): string {
  const all = shapes.all()
  const total = all.reduce((sum, { count }) => sum + count, shapes.rest)
  const lines = [
    `${style('bold', run.sync)}  run ${run.runId}  ${formatTime(run.startedAt)}  ${formatCount(total)} rows`,
  ]
  for (const { kind, code, message, count, keys } of all.slice(0, SHOWN)) {
    const label = style(kind === 'rejected' ? 'red' : 'yellow', `${formatCount(count)} × ${kind} ${printable(code)}`)
    lines.push(`  ${label}`, `    ${oneLine(message, Math.max(20, width - 4))}`)
    const named = keys.map((key) => oneLine(key, 60)).join(', ')
    if (keys.length > 0) lines.push(style('dim', `    keys ${named}${count > keys.length ? ', …' : ''}`))
  }
  if (all.length > SHOWN || shapes.rest > 0) lines.push('  and other reasons; see all rows with --format ndjson')
  if (all.length === 0) lines.push('  no rejected or invalid rows are kept of this run')
  return lines.join('\n')
}
