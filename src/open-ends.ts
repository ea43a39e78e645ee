import { checkConnection } from './config/connection.ts'
import { ConfigurationProblems } from './config/problem.ts'
import type { Config, ConnectionConfig, SyncConfig } from './config/resolved.ts'
import { findDestination, findSource } from './connectors/registry.ts'
import type { Destination, DestinationDefinition, ObjectDeclaration } from './core/destination.ts'
import type { Source, SourceDefinition } from './core/source.ts'
import type { RunVariables } from './pipeline/field-value.ts'
import { type ResolvedSync, resolveSync } from './pipeline/resolve-sync.ts'
import { compileMapping } from './pipeline/row-mapping.ts'

/** Connectors of a program's own, besides the built-in ones. They win over a built-in of the same type. */
export interface OwnConnectors {
  // biome-ignore lint/suspicious/noExplicitAny: each definition has options of its own, checked by its own schema
  readonly sources?: readonly SourceDefinition<any>[]
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly destinations?: readonly DestinationDefinition<any>[]
}

/** Both ends of a sync, connected and checked, and what the sync comes to between them. */
export interface Ends extends AsyncDisposable {
  readonly source: Source
  readonly destination: Destination
  readonly declaration: ObjectDeclaration
  readonly resolved: ResolvedSync
  /** The destination object, without secrets. */
  readonly identity: string
  /** What the destination's check had to say. */
  readonly notes: readonly string[]
}

/**
 * Connects to both ends, describes the model and checks everything that can be known before a row is read. Throws
 * FatalError, of kind configuration where a retry cannot help.
 */
export async function openEnds(
  config: Config,
  sync: SyncConfig,
  own: OwnConnectors,
  variables: RunVariables,
): Promise<Ends> {
  const from = connectionOf(config, sync.source.connection)
  const to = connectionOf(config, sync.destination.connection)
  const sourceDefinition = await findSource(from.type, own)
  const destinationDefinition = await findDestination(to.type, own)
  const sourceOptions = optionsOf(config, from, sourceDefinition)
  const destinationOptions = optionsOf(config, to, destinationDefinition)
  const declaration = destinationDefinition.object(sync.destination.object, destinationOptions)
  const opened: AsyncDisposable[] = []
  const close = async () => {
    for (const one of opened.reverse()) await one[Symbol.asyncDispose]()
  }
  try {
    const source = await sourceDefinition.open(sourceOptions, {
      ...(sync.source.sql === undefined ? {} : { sql: sync.source.sql }),
      ...(sync.source.table === undefined ? {} : { table: sync.source.table }),
      params: sync.source.params,
      read: sync.source.read,
      idleTimeoutMs: sync.source.idleTimeoutMs,
    })
    opened.push(source)
    const resolved = resolveSync(sync, await source.describe(), declaration)
    // The layout is known when the read begins; what the fields are does not depend on it.
    const layout = { key: [], extra: 0, columns: resolved.columns }
    const { match, fields } = resolved
    const mapping = compileMapping({ layout, match, fields, deletesAs: sync.deletes.as, variables })
    const destination = await destinationDefinition.open(destinationOptions, {
      name: sync.destination.object,
      mode: sync.mode,
      fields: mapping.fields,
      match,
      keyEncodings: resolved.keyColumns.map((column) => column.keyEncoding),
      create: sync.destination.create,
      deletesAs: sync.deletes.as.kind === 'archive' ? 'archive' : 'delete',
    })
    opened.push(destination)
    const notes = await destination.check()
    const identity = `${destinationDefinition.identity(destinationOptions)}#${sync.destination.object}`
    return { source, destination, declaration, resolved, identity, notes, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

function connectionOf(config: Config, name: string): ConnectionConfig {
  const connection = config.connections.get(name)
  if (connection === undefined) throw new Error(`no connection ${name}: the configuration was not checked`)
  return connection
}

/** The options of a connection as its connector wants them, with relative paths made absolute. */
function optionsOf<Options>(
  config: Config,
  connection: ConnectionConfig,
  definition: Pick<DestinationDefinition<Options>, 'options' | 'locate'>,
): Options {
  const checked = checkConnection(config, connection, definition.options)
  if (checked.problems !== undefined) throw new ConfigurationProblems(checked.problems)
  return definition.locate?.(checked.options, connection.baseDirectory) ?? checked.options
}
