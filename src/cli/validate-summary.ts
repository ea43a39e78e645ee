import { printable } from './printable.ts'
import type { Style } from './style.ts'

/** What `validate` of the library says about one sync. */
export interface Verdict {
  readonly sync: string
  readonly notes: readonly string[]
  readonly error: { readonly code: string; readonly message: string } | null
}

/** `contacts  ok`, or `contacts  problem  code: message`; notes below. */
export function formatVerdict(
  { sync, notes, error }: Verdict,
  { style, nameWidth = 0 }: { readonly style: Style; readonly nameWidth?: number },
): string {
  const verdict =
    error === null
      ? style('green', 'ok')
      : `${style('red', 'problem')}  ${printable(error.code)}: ${printable(error.message)}`
  return [`${style('bold', sync.padEnd(nameWidth))}  ${verdict}`, ...notes.map((note) => `  ${printable(note)}`)].join(
    '\n',
  )
}
