import { checkConnection, configProblem } from '../config/connection.ts'
import type { Path } from '../config/origin.ts'
import { type Problem, problemList } from '../config/problem.ts'
import type { Config, ConnectionConfig } from '../config/resolved.ts'
import { findDestination, findSource } from '../connectors/registry.ts'
import { FatalError } from '../core/errors.ts'
import type { OwnConnectors } from './open-ends.ts'

const ROLES = ['destination', 'source'] as const
type Role = (typeof ROLES)[number]

export interface CheckConnectionsOptions extends OwnConnectors {
  /** Only those that this sync uses. Default: all of them, also those that no sync uses. */
  readonly sync?: string | undefined
}

/**
 * Checks the options of connections by the schemas of their connectors, and connects to nothing. Throws
 * ConfigurationProblems with everything that is wrong.
 */
export async function checkConnections(config: Config, options: CheckConnectionsOptions = {}): Promise<void> {
  const problems = problemList(config.origin)
  const told = new Set<string>()
  const add = (problem: Problem) => {
    // Both ends of a connector mostly have the same options, and find the same fault with them.
    const said = `${problem.path}\n${problem.message}`
    if (!told.has(said)) problems.addProblem(problem)
    told.add(said)
  }
  for (const connection of config.connections.values()) {
    const uses = usesOf(config, connection.name)
    const asked = options.sync === undefined ? uses : uses.filter(({ sync }) => sync === options.sync)
    if (options.sync !== undefined && asked.length === 0) continue
    const isUsed = asked.length > 0
    const found = await (isUsed
      ? problemsOfUses(config, connection, asked, options)
      : problemsOfUnused(config, connection, options))
    for (const problem of found) add(problem)
  }
  problems.throwIfAny()
}

interface Use {
  readonly sync: string
  readonly role: Role
}

function usesOf(config: Config, connection: string): readonly Use[] {
  return [...config.syncs.values()].flatMap(({ name, source, destination }) => [
    ...(source.connection === connection ? [{ sync: name, role: 'source' as const }] : []),
    ...(destination.connection === connection ? [{ sync: name, role: 'destination' as const }] : []),
  ])
}

async function problemsOfUses(
  config: Config,
  connection: ConnectionConfig,
  uses: readonly Use[],
  own: OwnConnectors,
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (const { sync, role } of uses) {
    const schema = await schemaOf(connection, role, own)
    if (!(schema instanceof FatalError)) {
      problems.push(...(checkConnection(config, connection, schema).problems ?? []))
      continue
    }
    // What is known in the other role is named in the wrong place; what is not known at all has the wrong name.
    const other = await schemaOf(connection, role === 'source' ? 'destination' : 'source', own)
    const at = other instanceof FatalError ? typeOf(connection) : ['syncs', sync, role, 'connection']
    problems.push(configProblem(config, at, schema.message))
  }
  return problems
}

/** A connection that waits for a sync may become either end: it is right if one of them would take it. */
async function problemsOfUnused(
  config: Config,
  connection: ConnectionConfig,
  own: OwnConnectors,
): Promise<readonly Problem[]> {
  const unknown: FatalError[] = []
  const refused: (readonly Problem[])[] = []
  for (const role of ROLES) {
    const schema = await schemaOf(connection, role, own)
    if (schema instanceof FatalError) unknown.push(schema)
    else {
      const { problems } = checkConnection(config, connection, schema)
      if (problems === undefined) return []
      refused.push(problems)
    }
  }
  if (refused[0] !== undefined) return refused[0]
  const helpful = unknown.find(({ message }) => message.includes('did you mean')) ?? (unknown[0] as FatalError)
  return [configProblem(config, typeOf(connection), helpful.message)]
}

/** Where a connection says what it is: in its URL, or as `type`. */
function typeOf({ name, type, options }: ConnectionConfig): Path {
  const isUrl = String(options['url']).toLowerCase().startsWith(`${type}:`)
  return isUrl ? ['connections', name] : ['connections', name, 'type']
}

/** What the options of a connection have to be in a role, or why it cannot have that role. */
async function schemaOf({ type }: ConnectionConfig, role: Role, own: OwnConnectors) {
  try {
    return (await (role === 'source' ? findSource(type, own) : findDestination(type, own))).options
  } catch (error) {
    if (error instanceof FatalError && error.code === 'unknown_connector') return error
    throw error
  }
}
