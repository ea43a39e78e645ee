import type { ChangeSample } from '../index.ts'
import { oneLine } from './printable.ts'
import type { Style } from './style.ts'

type ChangeOperation = ChangeSample['operation']

const OPERATIONS = ['insert', 'update', 'delete'] as const satisfies readonly ChangeOperation[]
const SIGNS = { insert: '+', update: '~', delete: '-' } as const
const FORMATS = { insert: 'green', update: 'yellow', delete: 'red' } as const

/** The first changes of each operation: deletes come last in a run, and must not be crowded out by inserts. */
export class PlanSample {
  readonly #rows: number
  readonly #met: Record<ChangeOperation, ChangeSample[]> = { insert: [], update: [], delete: [] }

  constructor(rows: number) {
    this.#rows = rows
  }

  add(change: ChangeSample): void {
    const met = this.#met[change.operation]
    if (met.length < this.#rows) met.push(change)
  }

  /** At most `rows` in all, shared evenly among the operations; what one does not need goes to the others. */
  changes(): ChangeSample[] {
    const taken = { insert: 0, update: 0, delete: 0 }
    for (let left = this.#rows; left > 0; ) {
      const open = OPERATIONS.filter((operation) => taken[operation] < this.#met[operation].length)
      if (open.length === 0) break
      for (const operation of open.slice(0, left)) taken[operation]++
      left -= open.length
    }
    return OPERATIONS.flatMap((operation) => this.#met[operation].slice(0, taken[operation]))
  }
}

/** Characters of one value: enough to recognise it. */
const VALUE_WIDTH = 40

/** `+ 42  email=ann@example.com  plan=null`, within `width` characters. */
export function formatChange({ operation, key, values }: ChangeSample, style: Style, width: number): string {
  const fields = Object.entries(values ?? {}).map(([name, value]) => `${name}=${formatValue(value)}`)
  const line = oneLine([`${SIGNS[operation]} ${key}`, ...fields].join('  '), width)
  return style(FORMATS[operation], line)
}

function formatValue(value: string | null): string {
  if (value === null) return 'null'
  const text =
    Array.from(value).length > VALUE_WIDTH
      ? `${Array.from(value)
          .slice(0, VALUE_WIDTH - 1)
          .join('')}…`
      : value
  // Quotes where the value could be taken for null, for nothing, or for two values. Escapes come with them.
  return text === '' || text === 'null' || /[\s"=\\\p{Cc}]/u.test(text) ? JSON.stringify(text) : text
}
