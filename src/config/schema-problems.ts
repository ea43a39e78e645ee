import type { z } from 'zod'
import { didYouMean } from '../core/did-you-mean.ts'
import { TYPE_WORDS } from '../core/type-words.ts'
import { isFromEnvironment, type Path } from './origin.ts'
import type { ProblemList } from './problem.ts'

type Issue = z.core.$ZodIssue

export interface CheckOptions {
  /** Where `value` is in the configuration. */
  readonly at: Path
  /** Leave values out of messages: they may be secrets. */
  readonly secret?: boolean
}

/** Parses by a schema; adds a problem for everything that is wrong, and then returns undefined. */
export function checkSchema<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  problems: ProblemList,
  { at, secret = false }: CheckOptions,
): Output | undefined {
  const result = schema.safeParse(value, { error: expectation })
  if (result.success) return result.data

  const report = (issue: Issue, base: Path) => {
    const path = [...base, ...(issue.path as Path)]
    const here = [...at, ...path]
    const input = valueAt(value, path)
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path)
      for (const key of issue.keys)
        problems.add([...here, key], 'unknown key', { part: 'key', suggestion: didYouMean(key, known) })
      return
    }
    if (issue.code === 'invalid_union') {
      const branch = furthest(issue.errors, issue.message !== '')
      if (branch !== undefined) {
        for (const inner of branch) report(inner, path)
        return
      }
    }
    const message = issue.message === '' ? 'expected something else' : issue.message.replace(/^I/, 'i')
    if (input === undefined) {
      const name = here.at(-1)
      const text = message.startsWith('expected') ? `missing; ${message}` : message
      problems.add(here, text, typeof name === 'string' ? { missing: [name] } : {})
      return
    }
    const suggestion = typeof input === 'string' ? didYouMean(input, wordsOf(issue)) : undefined
    const hidden = secret || isFromEnvironment(problems.origin, here)
    // What a rule between the options of a map expects, no other map would be.
    const isRule = issue.code === 'custom' && typeof input === 'object'
    const got = message.startsWith('expected') && !isRule ? `, got ${described(input, hidden)}` : ''
    problems.add(here, message + got, { suggestion })
  }
  for (const issue of result.error.issues) report(issue, [])
  return undefined
}

/** Messages for what a schema says nothing about itself; undefined for what zod puts well enough. */
function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPE_WORDS[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `expected ${issue.values.map(String).join(' | ')}`
    case 'too_small':
      return `expected ${issue.origin === 'number' ? 'at least' : 'a length of at least'} ${issue.minimum}`
    case 'too_big':
      return `expected ${issue.origin === 'number' ? 'at most' : 'a length of at most'} ${issue.maximum}`
    case 'invalid_format':
      return issue.format === 'regex' ? `expected a text like ${issue.pattern}` : undefined
    case 'invalid_union':
      return ''
    default:
      return undefined
  }
}

/**
 * The alternative of a union that the input was meant as: the only one it has the type of, as long as that has
 * more to say than the union itself.
 */
function furthest(branches: readonly (readonly Issue[])[], hasMessage: boolean): readonly Issue[] | undefined {
  const typed = branches.filter((issues) => !issues.some((i) => i.path.length === 0 && i.code === 'invalid_type'))
  const deep = typed.filter((issues) => issues.some(isDeep))
  if (deep.length === 1) return deep[0]
  return hasMessage ? undefined : [...(typed.length > 0 ? typed : branches)].sort((a, b) => a.length - b.length)[0]
}

function isDeep(issue: Issue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys'
}

/** The words that an enumeration, or any alternative of a union, would have taken. */
function wordsOf(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_value') return issue.values.filter((word) => typeof word === 'string')
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(wordsOf) : []
}

/** The keys that a schema knows at a path; none where it takes any. */
function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  const [part, ...rest] = path
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object': {
      if (part === undefined) return Object.keys(def.shape)
      const next = Object.hasOwn(def.shape, part) ? def.shape[part] : undefined
      return next === undefined ? [] : keysAt(next, rest)
    }
    case 'record':
      return part === undefined ? [] : keysAt(def.valueType, rest)
    case 'array':
      return part === undefined ? [] : keysAt(def.element, rest)
    case 'union':
      return def.options.flatMap((option) => keysAt(option, path))
    case 'pipe':
      return keysAt(def.in, path)
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return keysAt(def.innerType, path)
    default:
      return []
  }
}

function valueAt(value: unknown, path: Path): unknown {
  let inside = value
  for (const part of path) {
    if (typeof inside !== 'object' || inside === null || !Object.hasOwn(inside, part)) return undefined
    inside = (inside as Record<string | number, unknown>)[part]
  }
  return inside
}

function described(value: unknown, hidden: boolean): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  if (hidden) return 'something that is not shown here'
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown
}
