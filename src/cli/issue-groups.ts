import type { RowIssue } from '../index.ts'

/** Rows that did not land for the same reason. */
export interface IssueGroup {
  readonly kind: RowIssue['kind']
  readonly code: string
  readonly count: number
  /** Of the first of them. */
  readonly message: string
  readonly key: string | null
}

/** How many reasons of a run are named on stderr. */
export const REASONS = 3

/** Codes are few; a system that makes one up for each row must not cost memory. */
const MOST_GROUPS = 100

/** Counts issues by kind and code as they are found, however many there are. */
export class IssueGroups {
  readonly #groups = new Map<string, IssueGroup>()

  add({ kind, code, message, key }: RowIssue): void {
    const id = `${kind} ${code}`
    const group = this.#groups.get(id)
    if (group !== undefined) this.#groups.set(id, { ...group, count: group.count + 1 })
    else if (this.#groups.size < MOST_GROUPS) this.#groups.set(id, { kind, code, message, key, count: 1 })
  }

  /** The largest groups, largest first. */
  largest(limit: number): IssueGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count).slice(0, limit)
  }
}
