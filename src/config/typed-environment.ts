import type { Draft } from './draft.ts'
import { formatPath, type Path } from './origin.ts'
import { configSchema } from './schema.ts'

/**
 * What comes out of the environment is text. Where the schema wants a number, true or false (`size: ${BATCH}`), it
 * is read as one; nowhere else, so that a token of digits stays the text it is.
 */
export function readTypedEnvironment(draft: Draft): void {
  if (draft.environmentUses.size === 0) return
  for (const issue of configSchema.safeParse(draft.value).error?.issues ?? []) {
    const path = issue.path as Path
    if (issue.code !== 'invalid_type' || !draft.environmentUses.has(formatPath(path))) continue
    const parent = path.slice(0, -1).reduce<unknown>((value, part) => (value as Container)[part], draft.value)
    const name = path.at(-1) as string | number
    const typed = typedAs(issue.expected, (parent as Container)[name])
    if (typed === undefined) continue
    const container = parent as Container
    container[name] = typed
    // A batch size is no secret, and hiding every "100" in the log would be odd.
    draft.environmentUses.delete(formatPath(path))
  }
}

type Container = Record<string | number, unknown>

function typedAs(expected: string, value: unknown): number | boolean | undefined {
  if (expected === 'boolean') return value === 'true' ? true : value === 'false' ? false : undefined
  if (expected === 'number' && typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value))
    return Number(value)
  return undefined
}
