import type { z } from 'zod'
import { type EnvironmentUse, formatPath, type Path } from './origin.ts'

/**
 * What comes out of the environment is text. Where the schema wants a number, true or false (`size: ${BATCH}`), it
 * is read as one; nowhere else, so that a token of digits stays the text it is. Answers the value with those, and
 * where in the configuration they are; `at` is where the value is. The value itself stays as it was.
 */
export function readTypedEnvironment(
  schema: z.ZodType,
  value: unknown,
  { uses, at }: { readonly uses: ReadonlyMap<string, EnvironmentUse>; readonly at: Path },
): { readonly value: unknown; readonly typed: readonly Path[] } {
  if (uses.size === 0) return { value, typed: [] }
  let result = value
  const found: Path[] = []
  for (const issue of schema.safeParse(value).error?.issues ?? []) {
    const path = issue.path as Path
    const place = [...at, ...path]
    if (issue.code !== 'invalid_type' || path.length === 0 || !uses.has(formatPath(place))) continue
    const text = path.reduce<unknown>((inside, part) => (inside as Container)[part], value)
    const typed = typedAs(issue.expected, text)
    if (typed === undefined) continue
    result = replaced(result, path, typed)
    found.push(place)
  }
  return { value: result, typed: found }
}

type Container = Record<string | number, unknown>

function typedAs(expected: string, value: unknown): number | boolean | undefined {
  if (expected === 'boolean') return value === 'true' ? true : value === 'false' ? false : undefined
  const isNumber = expected === 'number' || expected === 'int'
  if (isNumber && typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value)) return Number(value)
  return undefined
}

function replaced(container: unknown, path: Path, value: unknown): unknown {
  const [part, ...rest] = path
  if (part === undefined) return value
  const copy: Container = Array.isArray(container)
    ? ([...container] as unknown as Container)
    : Object.assign(Object.create(Object.getPrototypeOf(container)), container)
  copy[part] = replaced(copy[part], rest, value)
  return copy
}
