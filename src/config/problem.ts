import { FatalError } from '../core/errors.ts'
import { codeFrame } from './code-frame.ts'
import { type Aim, formatPath, type Location, type Origin, type Path } from './origin.ts'

/** Something wrong with a configuration. */
export interface Problem {
  /** As the user named it; undefined, as line and column are, for a configuration given by a program. */
  readonly file: string | undefined
  readonly line: number | undefined
  readonly column: number | undefined
  /** `syncs.contacts.mode`; empty where the file as a whole is meant. */
  readonly path: string
  /** What was expected and what is there, without the suggestion. */
  readonly message: string
  /** The word that was probably meant. */
  readonly suggestion: string | undefined
  /** The offending line and carets below it. */
  readonly frame: string | undefined
}

/** All problems of one configuration. The message is their full text, in the order of the file. */
export class ConfigurationProblems extends FatalError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super('configuration_invalid', problems.map(formatProblem).join('\n'), { kind: 'configuration' })
    this.problems = problems
  }
}

/** `rowferry.yaml:6:5  connections.crm.tokn: unknown key — did you mean "token"?` and the code frame. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message, suggestion, frame } = problem
  const position = line === undefined ? '' : `:${line}:${column}`
  const place = file === undefined ? '' : `${file}${position}  `
  const meant = suggestion === undefined ? '' : ` — did you mean "${suggestion}"?`
  return `${place}${path === '' ? '' : `${path}: `}${message}${meant}${frame === undefined ? '' : `\n${frame}`}`
}

export interface ProblemOptions extends Aim {
  readonly suggestion?: string | undefined
  /** Something is missing that any of these keys beside or at the path would provide. */
  readonly missing?: readonly string[]
}

/** A problem at a path, with its position where the configuration has a file. */
export function problemAt(origin: Origin, path: Path, message: string, options: ProblemOptions = {}): Problem {
  return locatedProblem(origin, origin.locate(path, options), path, message, options.suggestion)
}

/** A problem at a place that no path leads to. */
export function locatedProblem(
  origin: Origin,
  location: Location | undefined,
  path: Path,
  message: string,
  suggestion?: string,
): Problem {
  return {
    file: origin.file,
    line: location?.line,
    column: location?.column,
    path: formatPath(path),
    message,
    suggestion,
    frame: location === undefined ? undefined : codeFrame(location),
  }
}

/** Collects problems, each node's first one only: what follows from it would be said twice. */
export interface ProblemList {
  readonly origin: Origin
  add(path: Path, message: string, options?: ProblemOptions): void
  /** A problem that has no path, with its own position. */
  addProblem(problem: Problem): void
  has(path: Path): boolean
  /** Sorted by position, without those that a misspelled key explains. */
  all(): readonly Problem[]
  throwIfAny(): void
}

export function problemList(origin: Origin): ProblemList {
  const found: { readonly problem: Problem; readonly parent: string; readonly options: ProblemOptions }[] = []
  const taken = new Set<string>()
  const all = (): readonly Problem[] => {
    const misspelled = new Set(
      found.flatMap(({ problem, parent, options }) =>
        options.part === 'key' && problem.suggestion !== undefined ? [`${parent}\n${problem.suggestion}`] : [],
      ),
    )
    return found
      .filter(({ parent, options }) => !options.missing?.some((name) => misspelled.has(`${parent}\n${name}`)))
      .map(({ problem }) => problem)
      .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  }
  return {
    origin,
    add(path, message, options = {}) {
      const node = formatPath(path)
      // Two unset variables in one text are two problems; anything else about that text follows from them.
      const id = options.within === undefined ? node : `${node}\n${options.within}`
      if (taken.has(id)) return
      taken.add(id).add(node)
      // What is missing is missing in its parent, or, where the path is the parent itself, in the path.
      const parent = options.missing?.includes(String(path.at(-1))) === false ? node : formatPath(path.slice(0, -1))
      found.push({ problem: problemAt(origin, path, message, options), parent, options })
    },
    addProblem(problem) {
      found.push({ problem, parent: '', options: {} })
    },
    has: (path) => taken.has(formatPath(path)),
    all,
    throwIfAny() {
      const problems = all()
      if (problems.length > 0) throw new ConfigurationProblems(problems)
    },
  }
}
