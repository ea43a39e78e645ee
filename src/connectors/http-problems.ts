import * as z from 'zod'
import { suggestion } from '../core/did-you-mean.ts'
import { TYPE_WORDS } from '../core/type-words.ts'

type Issue = z.core.$ZodIssue
type Path = readonly (string | number)[]

/** Says that something is wrong at a path of the options. */
export type Refuse = (path: (string | number)[], message: string) => void

/** Reads a part of the options by its own schema, and says everything that is wrong with it. Values are not shown: they may be secrets. */
export function readPart<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  { at, refuse, hint }: { at: Path; refuse: Refuse; hint?: string | undefined },
): Output | undefined {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const tell = (issue: Issue, base: Path) => {
    const path = [...base, ...(issue.path as (string | number)[])]
    if (issue.code === 'unrecognized_keys') {
      const words = wordsOf(z.toJSONSchema(schema, { io: 'input' }))
      for (const key of issue.keys) refuse([...path, key], `unknown key${suggestion(key, words)}`)
      return
    }
    const branch = issue.code === 'invalid_union' ? meant(issue.errors) : undefined
    if (branch !== undefined) for (const inner of branch) tell(inner, path)
    else refuse(path, `${messageOf(issue)}${hint === undefined || issue.code !== 'invalid_type' ? '' : ` (${hint})`}`)
  }
  for (const issue of read.error.issues) tell(issue, at)
  return undefined
}

/** Every name of an option that stands somewhere in a schema. */
function wordsOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const named = (schema as { readonly properties?: object }).properties ?? {}
  return [...Object.keys(named), ...Object.values(schema).flatMap(wordsOf)]
}

/** The alternative that the value has the type of. */
function meant(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const typed = branches.filter(
    (issues) => !issues.some(({ path, code }) => path.length === 0 && code === 'invalid_type'),
  )
  const [only] = typed.length === 1 ? typed : branches.filter((issues) => issues.some(({ path }) => path.length > 0))
  return only
}

function messageOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPE_WORDS[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `expected ${issue.values.map(String).join(' | ')}`
    case 'too_small':
      return `expected ${issue.origin === 'number' ? 'at least' : 'a length of at least'} ${issue.minimum}`
    case 'too_big':
      return `expected ${issue.origin === 'number' ? 'at most' : 'a length of at most'} ${issue.maximum}`
    case 'invalid_union':
      return [...new Set(issue.errors.flat().map(messageOf))].join(', or ') || 'expected something else'
    default:
      return issue.message.replace(/^I/, 'i')
  }
}
