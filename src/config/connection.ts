import type { z } from 'zod'
import type { Path } from './origin.ts'
import { type Problem, type ProblemOptions, problemAt, problemList } from './problem.ts'
import type { Config, ConnectionConfig } from './resolved.ts'
import { checkSchema } from './schema-problems.ts'
import { readTypedEnvironment } from './typed-environment.ts'

/** The connector and its options of the value of a connection; undefined where a text is no URL. */
export function readConnection(
  value: string | Readonly<Record<string, unknown>>,
): Pick<ConnectionConfig, 'type' | 'options'> | undefined {
  if (typeof value !== 'string') {
    const { type, ...options } = value
    return { type: String(type), options }
  }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(value)?.[1]
  // A scheme of one letter is a drive of Windows.
  return scheme === undefined ? undefined : { type: scheme.toLowerCase(), options: { url: value } }
}

/** A problem somewhere in a resolved configuration, for what only the engine can find out. */
export function configProblem(config: Config, path: Path, message: string, options?: ProblemOptions): Problem {
  return problemAt(config.origin, path, message, options)
}

/** A problem of a connection, or of one of its options. */
export function connectionProblem(
  config: Config,
  connection: string,
  path: Path,
  message: string,
  options?: ProblemOptions,
): Problem {
  return configProblem(config, ['connections', connection, ...path], message, options)
}

export type CheckedOptions<Options> =
  | { readonly options: Options; readonly problems?: undefined }
  | { readonly options?: undefined; readonly problems: readonly Problem[] }

/**
 * Checks a connection's options by the schema of its connector. Options it does not know are problems, unless it
 * says itself that it takes any (a loose object). What the environment says is read as a number, true or false where
 * the schema wants one. Messages show no values: they may be secrets.
 */
export function checkConnection<Options>(
  config: Config,
  connection: ConnectionConfig,
  schema: z.ZodType<Options>,
): CheckedOptions<Options> {
  const problems = problemList(config.origin)
  const at = ['connections', connection.name]
  const uses = config.origin.environmentUses
  const { value } = readTypedEnvironment(strict(schema), connection.options, { uses, at })
  const options = checkSchema(strict(schema), value, problems, { at, secret: true })
  const found = problems.all()
  return found.length === 0 ? { options: options as Options } : { problems: found }
}

// A connector declares its options with z.object, which by itself drops what it does not know in silence.
function strict<Options>(schema: z.ZodType<Options>): z.ZodType<Options> {
  const object = schema as unknown as z.ZodObject
  const isOpen = object.def.type === 'object' && object.def.catchall === undefined
  return isOpen ? (object.strict() as unknown as z.ZodType<Options>) : schema
}
