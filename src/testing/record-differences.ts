import type { Field } from '../core/change.ts'
import type { ContractRecord } from './contract-record.ts'
import { sameValue } from './sample-values.ts'

/** Differences that are told. There may be as many as a batch has rows. */
const MOST_TOLD = 5

/** What is wrong with the records that were found, in a few words: an assertion about thousands would print them all. */
export function differences(
  expected: readonly ContractRecord[],
  found: readonly ContractRecord[],
  { fields, match }: { readonly fields: readonly Field[]; readonly match: readonly string[] },
): string[] {
  const problems: string[] = []
  const keyOf = (record: ContractRecord) => match.map((name) => shown(record[name])).join(' / ')
  const rest = new Map<string, ContractRecord[]>()
  for (const record of found) rest.set(keyOf(record), [...(rest.get(keyOf(record)) ?? []), record])
  for (const record of expected) {
    const key = keyOf(record)
    const same = rest.get(key)?.shift()
    if (same === undefined) problems.push(`${key} is missing`)
    for (const { name, kind } of fields) {
      const [sent, value] = [record[name] ?? null, same?.[name] ?? null]
      if (same === undefined || sent === value || (sent !== null && sameValue(kind, sent, value))) continue
      problems.push(`${key} has ${name} ${shown(value)} and not ${shown(sent)}`)
    }
  }
  for (const [key, records] of rest) for (const _ of records) problems.push(`${key} is there and should not be`)
  if (problems.length === 0) return []
  const more = problems.length - MOST_TOLD
  const total = `of ${expected.length} records, ${found.length} are there`
  return [total, ...problems.slice(0, MOST_TOLD), ...(more > 0 ? [`and ${more} more`] : [])]
}

/** A value for a message: JSON, cut where it is long. */
export function shown(value: string | null | undefined): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 100 ? `${text.slice(0, 100)}… (${text.length} characters)` : text
}
