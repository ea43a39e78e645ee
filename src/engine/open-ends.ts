import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { checkConnection } from '../config/connection.ts'
import { ConfigurationProblems } from '../config/problem.ts'
import type { Config, ConnectionConfig, SyncConfig } from '../config/resolved.ts'
import { findDestination, findRowSource, findSource } from '../connectors/registry.ts'
import type { Destination, DestinationDefinition, ObjectDeclaration, ObjectRequest } from '../core/destination.ts'
import type { Source, SourceDefinition } from '../core/source.ts'
import type { RunVariables } from '../pipeline/field-value.ts'
import { unobserved } from '../pipeline/observe.ts'
import { type ResolvedSync, resolveSync } from '../pipeline/resolve-sync.ts'
import { type Patience, patiently } from '../pipeline/retry.ts'
import { compileMapping } from '../pipeline/row-mapping.ts'
import type { PipelineOptions } from '../pipeline/run-pipeline.ts'
import type { IndexIdentity } from '../state/key-index-file.ts'
import { UnnamedFile } from '../state/unnamed-file.ts'
import { type Lending, lendContext } from './destination-context.ts'
import type { SyncOptions } from './sync-options.ts'

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
  /** Whose records the credential reaches, where the destination can tell. */
  readonly account: string | undefined
  /** How a run sends its batches there. */
  readonly sending: Pick<PipelineOptions, 'gate' | 'insertsTwice' | 'scratch'>
  /** What the destination's check had to say. */
  readonly notes: readonly string[]
}

/** A model, described, and what its sync comes to; the destination is known by its declaration only. */
export interface OpenModel extends AsyncDisposable {
  readonly source: Source
  readonly declaration: ObjectDeclaration
  readonly resolved: ResolvedSync
}

/** Connects to the source alone. Throws FatalError, of kind configuration where a retry cannot help. */
export async function openModel(config: Config, sync: SyncConfig, own: OwnConnectors): Promise<OpenModel> {
  const { definition, options } = await findModel(config, sync, own)
  const { declaration } = await findObject(config, sync, own)
  const source = await definition.open(options, {
    ...(sync.source.sql === undefined ? {} : { sql: sync.source.sql }),
    ...(sync.source.table === undefined ? {} : { table: sync.source.table }),
    params: sync.source.params,
    read: sync.source.read.method,
    parallel: sync.source.read.parallel,
    digest: sync.source.read.digest,
    idleTimeoutMs: sync.source.idleTimeoutMs,
  })
  const close = () => source[Symbol.asyncDispose]()
  try {
    const resolved = resolveSync(sync, await source.describe(), declaration)
    return { source, declaration, resolved, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Connects to both ends, describes the model and checks everything that can be known before a row is read. Throws
 * FatalError, of kind configuration where a retry cannot help.
 */
export async function openEnds(
  config: Config,
  sync: SyncConfig,
  own: OwnConnectors & Patience & Lending & Pick<SyncOptions, 'observe' | 'dryRun'>,
  variables: RunVariables,
): Promise<Ends> {
  const { definition, options, declaration } = await findObject(config, sync, own)
  const model = await openModel(config, sync, own)
  const opened: (AsyncDisposable | Disposable)[] = [model]
  const close = async () => {
    for (const one of opened.reverse()) {
      if (Symbol.asyncDispose in one) await one[Symbol.asyncDispose]()
      else one[Symbol.dispose]()
    }
  }
  try {
    const { source, resolved } = model
    // The layout is known when the read begins; what the fields are does not depend on it.
    const layout = { key: [], extra: 0, columns: resolved.columns }
    const { match, fields } = resolved
    const mapping = compileMapping({ layout, match, fields, deletesAs: sync.deletes.as, variables })
    const rate = own.dryRun ? undefined : sync.batch.rate
    const lent = lendContext(definition, options, { ...own, rate })
    opened.push(lent)
    const request: ObjectRequest = {
      name: sync.destination.object,
      mode: sync.mode,
      fields: mapping.fields,
      match,
      keyEncodings: resolved.keyColumns.map((column) => column.keyEncoding),
      create: sync.destination.create,
      deletesAs: sync.deletes.as.kind === 'archive' ? 'archive' : 'delete',
      ...(isRetiring(sync) && { retires: mapping.deleteFields.slice(match.length).map(({ name }) => name) }),
    }
    const opening = () => definition.open(options, request, lent.context)
    const { observe = unobserved } = own
    const destination = observe('destination', await patiently('let itself be opened', opening, own))
    opened.push(destination)
    const notes = await patiently('let itself be looked at', () => destination.check(own.signal), own)
    const identity = `${definition.identity(options)}#${sync.destination.object}`
    const account = destination.account?.()
    const insertsTwice = declaration.insertsAgain === 'twice' ? { sync: sync.name } : undefined
    const scratch = () => new UnnamedFile(join(config.state, `${sync.name}.waiting-${randomUUID()}`), sync.name)
    const sending = { gate: lent.batchGate, insertsTwice, scratch }
    const found = { source, destination, declaration, resolved, identity, account, sending, notes }
    return { ...found, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Whether records that the model lacks are changed and not removed. */
function isRetiring({ deletes }: SyncConfig): boolean {
  return deletes.as.kind === 'clear' || deletes.as.kind === 'set'
}

/** What the key index of these ends is about. */
export function identityOf({ resolved, identity, account }: Ends): IndexIdentity {
  const key = JSON.stringify(resolved.keyColumns.map(({ name, keyEncoding }) => [name, keyEncoding]))
  return {
    key,
    destination: identity,
    ...(resolved.matchIsKey ? {} : { match: JSON.stringify(resolved.match) }),
    ...(account === undefined ? {} : { account }),
  }
}

/** Stdin and files are named by the sync itself, with options that the configuration has checked. */
async function findModel(config: Config, { source }: SyncConfig, own: OwnConnectors) {
  if (source.rows !== undefined) {
    const definition = await findRowSource(source.rows.from)
    return { definition, options: definition.options.parse(source.rows.options) }
  }
  const from = connectionOf(config, source.connection as string)
  const definition = await findSource(from.type, own)
  return { definition, options: optionsOf(config, from, definition) }
}

/** What the destination of a sync is, without connecting to it and without secrets. */
export async function identifyObject(
  config: Config,
  sync: SyncConfig,
  own: OwnConnectors = {},
): Promise<{ readonly identity: string; readonly creates: boolean }> {
  const { definition, options, declaration } = await findObject(config, sync, own)
  return { identity: `${definition.identity(options)}#${sync.destination.object}`, creates: declaration.creates }
}

async function findObject(config: Config, sync: SyncConfig, own: OwnConnectors) {
  const to = connectionOf(config, sync.destination.connection)
  const definition = await findDestination(to.type, own)
  const options = optionsOf(config, to, definition)
  return { definition, options, declaration: definition.object(sync.destination.object, options) }
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
