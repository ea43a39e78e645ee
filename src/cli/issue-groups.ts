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

/** Groups issues by kind and code; the `limit` largest groups, largest first. */
export function groupIssues(issues: Iterable<RowIssue>, limit: number): IssueGroup[] {
  const groups = new Map<string, IssueGroup>()
  for (const { kind, code, message, key } of issues) {
    const id = `${kind} ${code}`
    const group = groups.get(id)
    groups.set(id, group === undefined ? { kind, code, message, key, count: 1 } : { ...group, count: group.count + 1 })
  }
  return [...groups.values()].sort((a, b) => b.count - a.count).slice(0, limit)
}
