import { type Environment, expandEnvironment } from './environment.ts'
import { type EnvironmentUse, formatPath, type Origin, type Path } from './origin.ts'
import { type ProblemList, problemList } from './problem.ts'

/** A configuration as written: plain values on null prototypes, environment expanded, nothing checked yet. */
export interface Draft {
  readonly value: unknown
  readonly problems: ProblemList
  readonly environmentUses: Map<string, EnvironmentUse>
}

/** Deeper than any configuration, and shallow enough for recursion. */
export const MAX_DEPTH = 64

/** What readers of both forms (YAML, an object of a program) do with what they meet. */
export interface DraftReader {
  readonly problems: ProblemList
  readonly environmentUses: Map<string, EnvironmentUse>
  /** Expands the environment in a text, unless it is a query. */
  text(value: string, path: Path): string
  /** Refuses the one name that JavaScript objects cannot hold safely. */
  accepts(name: string, path: Path): boolean
}

export function draftReader(
  locate: Origin['locate'],
  file: string | undefined,
  environment: Environment | undefined,
): DraftReader {
  const environmentUses = new Map<string, EnvironmentUse>()
  const problems = problemList({ file, environmentUses, locate })
  return {
    problems,
    environmentUses,
    text(value, path) {
      if (environment === undefined || isQuery(path)) return value
      const expansion = expandEnvironment(value, environment)
      if (expansion.expanded) environmentUses.set(formatPath(path), { path, values: expansion.values })
      for (const { reference, message, suggestion } of expansion.problems)
        problems.add(path, message, { within: reference, suggestion })
      return expansion.text
    },
    accepts(name, path) {
      if (name === '__proto__') problems.add(path, '"__proto__" cannot be a name; choose another', { part: 'key' })
      return name !== '__proto__'
    },
  }
}

export const INEXACT = 'this number has more digits than can be kept exactly; quote it'

function isQuery(path: Path): boolean {
  return path.length === 4 && path[0] === 'syncs' && path[2] === 'source' && path[3] === 'sql'
}

/** Reads the object of a program: a copy, so that nothing changes under the engine's feet. */
export function readObject(input: unknown, environment: Environment | undefined): Draft {
  const reader = draftReader(() => undefined, undefined, environment)
  const read = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return reader.text(value, path)
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
      reader.problems.add(path, INEXACT)
    const isMap = isPlainMap(value)
    if (!isMap && !Array.isArray(value)) return value
    if (path.length > MAX_DEPTH) {
      reader.problems.add(path, `nested deeper than ${MAX_DEPTH} levels; a configuration needs far fewer`)
      return undefined
    }
    if (!isMap) return value.map((item, index) => read(item, [...path, index]))
    const map: Record<string, unknown> = Object.create(null)
    for (const [name, item] of Object.entries(value))
      if (item !== undefined && reader.accepts(name, [...path, name])) map[name] = read(item, [...path, name])
    return map
  }
  return { value: read(input, []), problems: reader.problems, environmentUses: reader.environmentUses }
}

// Connectors may take functions, buffers and the like as options: those pass as they are.
function isPlainMap(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
