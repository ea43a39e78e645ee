import { resolve } from 'node:path'
import type { DeletesAs, FieldMapping } from '../core/field-mapping.ts'
import { readConnection } from './connection.ts'
import { type Draft, readObject } from './draft.ts'
import type { Environment } from './environment.ts'
import { readModelFile } from './model-file.ts'
import { formatPath } from './origin.ts'
import type { ProblemList } from './problem.ts'
import type { Config, ConnectionConfig, ReadConfig, SyncConfig } from './resolved.ts'
import { isRowsFile, resolveRows } from './rows-source.ts'
import { checkRules } from './rules.ts'
import { type CheckedConfig, configSchema } from './schema.ts'
import { checkSchema } from './schema-problems.ts'
import { readTypedEnvironment } from './typed-environment.ts'

type CheckedSync = CheckedConfig['syncs'][string]
type Models = ReadonlyMap<string, string>

const DEFAULT_STATE = '.rowferry'
const DEFAULT_IDLE_TIMEOUT_MS = 10 * 60_000

export interface ResolveOptions {
  /** Absolute path of the folder that relative paths start from. */
  readonly baseDirectory: string
  /** Expands `${NAME}` in texts from these; without it a `$` means nothing. */
  readonly environment?: Environment
}

/**
 * Checks and completes a configuration given by a program, which has the form of rowferry.yaml. Reads the files
 * of queries, and nothing else. Throws ConfigurationProblems with everything that is wrong.
 */
export function resolveConfig(input: unknown, { baseDirectory, environment }: ResolveOptions): Config {
  return resolveDraft(readObject(input, environment), resolve(baseDirectory))
}

/** Checks a draft and makes the configuration of it; `baseDirectory` is absolute. */
export function resolveDraft(draft: Draft, baseDirectory: string): Config {
  const { problems } = draft
  if (draft.value === undefined) problems.throwIfAny()
  const { value, typed } = readTypedEnvironment(configSchema, draft.value, { uses: draft.environmentUses, at: [] })
  // A batch size is no secret, and hiding every "100" in the log would be odd.
  for (const path of typed) draft.environmentUses.delete(formatPath(path))
  const checked = checkSchema(configSchema, value, problems, { at: [] })
  checkRules(value, problems)
  const connections = resolveConnections(value, baseDirectory, problems)
  const models = readModels(value, baseDirectory, problems)
  problems.throwIfAny()
  const config = checked as CheckedConfig
  return {
    origin: problems.origin,
    state: resolve(baseDirectory, config.state ?? DEFAULT_STATE),
    connections,
    syncs: new Map(
      Object.entries(config.syncs).map(([name, sync]) => [name, resolveSync(name, sync, models, baseDirectory)]),
    ),
  }
}

function resolveConnections(value: unknown, baseDirectory: string, problems: ProblemList) {
  const connections = new Map<string, ConnectionConfig>()
  for (const [name, raw] of entriesAt(value, 'connections')) {
    if (typeof raw !== 'string' && !isMap(raw)) continue
    const connection = readConnection(raw)
    if (connection !== undefined) connections.set(name, { name, ...connection, baseDirectory })
    else
      problems.add(
        ['connections', name],
        'expected a URL such as postgres://… or sqlite:./app.db, or a map with a type',
      )
  }
  return connections
}

function readModels(value: unknown, baseDirectory: string, problems: ProblemList): Models {
  const models = new Map<string, string>()
  for (const [name, sync] of entriesAt(value, 'syncs')) {
    const source = isMap(sync) && isMap(sync['source']) ? sync['source'] : {}
    const { file } = source
    if (typeof file !== 'string' || file === '' || isRowsFile(source)) continue
    const model = readModelFile(file, baseDirectory)
    if ('sql' in model) models.set(name, model.sql)
    else problems.add(['syncs', name, 'source', 'file'], model.problem, { suggestion: model.suggestion })
  }
  return models
}

function resolveSync(name: string, sync: CheckedSync, models: Models, baseDirectory: string): SyncConfig {
  const { source, destination, deletes, guards, index, batch } = sync
  return {
    name,
    description: sync.description,
    tags: sync.tags ?? [],
    source: {
      connection: source.connection,
      rows: resolveRows(source, { baseDirectory, allColumns: sync.fields === undefined }),
      sql: source.sql ?? models.get(name),
      file: source.file,
      table: source.table,
      // Without a prototype: a query may ask for a parameter named `constructor`.
      params: Object.assign(Object.create(null), source.params),
      read: resolveRead(source.read),
      idleTimeoutMs: source.idle_timeout ?? DEFAULT_IDLE_TIMEOUT_MS,
    },
    key: sync.key,
    mode: sync.mode,
    destination: {
      connection: destination.connection,
      object: (destination.object ?? destination.table) as string,
      match: destination.match,
      create: destination.create ?? false,
    },
    deletes: { scope: deletes?.scope, as: resolveDeletesAs(deletes?.as ?? 'delete') },
    fields: sync.fields && Object.entries(sync.fields).map(([field, mapping]) => resolveMapping(field, mapping)),
    exclude: sync.exclude ?? [],
    guards: { maxDeletes: guards?.max_deletes, minRows: guards?.min_rows, maxRejected: guards?.max_rejected },
    index: { bootstrap: index?.bootstrap, refresh: index?.refresh },
    batch: { size: batch?.size, concurrency: batch?.concurrency, rate: batch?.rate },
  }
}

function resolveRead(read: CheckedSync['source']['read']): ReadConfig {
  const { method, parallel, digest } = typeof read === 'string' ? { method: read } : (read ?? {})
  return { method: method ?? 'auto', parallel: parallel ?? 1, digest: digest ?? false }
}

function resolveDeletesAs(as: NonNullable<NonNullable<CheckedSync['deletes']>['as']>): DeletesAs {
  if (typeof as === 'string') return { kind: as }
  const fields = Object.entries(as).map(([name, value]) => ({
    name,
    value: typeof value === 'object' && value !== null ? value : { value },
  }))
  return { kind: 'set', fields }
}

function resolveMapping(field: string, mapping: NonNullable<CheckedSync['fields']>[string]): FieldMapping {
  if (typeof mapping === 'string') {
    const from = { kind: 'column', column: mapping, hash: undefined } as const
    return { field, from, type: undefined, nulls: 'write', on: 'always' }
  }
  const { type, nulls = 'write', on = 'always' } = mapping
  return { field, from: resolveFrom(mapping), type, nulls, on }
}

function resolveFrom(mapping: Exclude<NonNullable<CheckedSync['fields']>[string], string>): FieldMapping['from'] {
  if (mapping.from !== undefined) return { kind: 'column', column: mapping.from, hash: mapping.hash }
  if (mapping.variable !== undefined) return { kind: 'variable', variable: mapping.variable }
  if (mapping.template !== undefined) return { kind: 'template', parts: mapping.template }
  return { kind: 'constant', value: mapping.value ?? null }
}

function entriesAt(value: unknown, name: string): readonly (readonly [string, unknown])[] {
  const map = isMap(value) ? value[name] : undefined
  return isMap(map) ? Object.entries(map) : []
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
