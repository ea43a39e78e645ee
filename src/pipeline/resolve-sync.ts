import { createHash } from 'node:crypto'
import type { Column } from '../core/column.ts'
import type { ObjectDeclaration } from '../core/destination.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { DeletesAs, FieldMapping } from '../core/field-mapping.ts'
import { type DeleteScope, SYNC_MODES, type SyncMode } from '../core/sync-mode.ts'
import { matchNote, requireNoList, resolveMatch } from './resolve-match.ts'

/** The parts of a sync's configuration that depend on its model and its destination. */
export interface SyncRequest {
  readonly name: string
  readonly key: readonly string[]
  readonly mode: SyncMode
  readonly destination: {
    readonly object: string
    readonly match: readonly string[] | undefined
    readonly create: boolean
  }
  readonly deletes: { readonly scope: DeleteScope | undefined; readonly as: DeletesAs }
  readonly fields: readonly FieldMapping[] | undefined
  readonly exclude: readonly string[]
  readonly index: {
    readonly bootstrap: 'list' | 'empty' | undefined
    readonly refresh: 'always' | 'never' | number | undefined
  }
}

/** A sync whose every question is answered. */
export interface ResolvedSync {
  /** Match fields; in key order where they are what the key maps to. */
  readonly match: readonly string[]
  /** Whether a record is found by what the key maps to. */
  readonly matchIsKey: boolean
  /** Mappings, match fields first. */
  readonly fields: readonly FieldMapping[]
  /** Columns to read, in an order in which an all-plain mapping passes lines through as they are. */
  readonly columns: readonly Column[]
  readonly keyColumns: readonly Column[]
  readonly scope: DeleteScope
  readonly bootstrap: 'list' | 'empty'
  readonly refresh: 'always' | 'never' | number
  /** Changes when the meaning of a fingerprint changes. */
  readonly mappingDigest: Buffer
  /** What somebody who looks at a plan should know of it. */
  readonly notes: readonly string[]
}

/** Answers them, or throws the configuration error that says what is wrong and what would do. */
export function resolveSync(
  sync: SyncRequest,
  columns: readonly Column[],
  declaration: ObjectDeclaration,
): ResolvedSync {
  requireSupport(sync, declaration)
  const known = new Map(columns.map((column) => [column.name, column]))
  const need = (name: string, where: string): Column => {
    const column = known.get(name)
    if (column !== undefined) return column
    const names = columns.map((one) => one.name)
    throw configurationError(
      'unknown_column',
      `${where}: the model has no column ${name}${suggestion(name, names)}; it has ${names.join(', ')}`,
    )
  }
  const keyColumns = sync.key.map((name) => need(name, 'key'))
  for (const name of sync.exclude) need(name, 'exclude')
  const mappings = sync.fields ?? plainFields(columns, sync.exclude)
  for (const { field, from } of mappings) {
    if (from.kind === 'column') need(from.column, `fields.${field}`)
    if (from.kind === 'template')
      for (let at = 1; at < from.parts.length; at += 2) need(from.parts[at] as string, `fields.${field}`)
  }
  const { match, matchIsKey } = resolveMatch(sync, mappings, declaration)
  if (!matchIsKey) requireNoList(sync, match)
  const rank = new Map(match.map((field, index) => [field, index]))
  const fields = [...mappings].sort((a, b) => (rank.get(a.field) ?? match.length) - (rank.get(b.field) ?? match.length))
  // A list of match values says nothing about keys.
  const lists = matchIsKey ? declaration.lists : 'never'
  const scope = resolveScope(sync, { ...declaration, lists })
  const needsList = sync.mode === 'delete-only' || (SYNC_MODES[sync.mode].delete && scope === 'all')
  const wantsList = needsList || sync.mode === 'update-only' || sync.mode === 'insert-only'
  const bootstrap = sync.index.bootstrap ?? (lists === 'cheap' || (needsList && lists === 'paged') ? 'list' : 'empty')
  const refresh = sync.index.refresh ?? (lists === 'cheap' && wantsList ? 'always' : 'never')
  if (lists === 'never' && (bootstrap === 'list' || refresh !== 'never')) {
    throw configurationError(
      'cannot_list',
      `this destination cannot list its records; leave index.bootstrap and index.refresh out`,
    )
  }
  return {
    match,
    matchIsKey,
    fields,
    columns: [...new Set(fields.flatMap(columnsOf))].map((name) => need(name, 'fields')),
    keyColumns,
    scope,
    bootstrap,
    refresh,
    mappingDigest: digest(fields),
    notes: matchIsKey ? [] : [matchNote(sync, match)],
  }
}

function requireSupport(sync: SyncRequest, declaration: ObjectDeclaration): void {
  if (!declaration.syncModes.includes(sync.mode)) {
    const supported = declaration.syncModes.join(', ')
    const reason = declaration.refusedModes?.[sync.mode]
    const why = reason === undefined ? '' : ` (${reason})`
    throw configurationError(
      'unsupported_mode',
      `${sync.destination.object} does not support mode ${sync.mode}${why}; it supports ${supported}`,
    )
  }
  const as = sync.deletes.as.kind
  if (as === 'archive' && !declaration.deletesAs.includes('archive')) {
    throw configurationError(
      'unsupported_deletes',
      `${sync.destination.object} cannot archive; use deletes.as: delete, clear or a field to set`,
    )
  }
  if (sync.destination.create && !declaration.creates) {
    throw configurationError(
      'cannot_create',
      `${sync.destination.object} cannot be created by a sync; leave destination.create out`,
    )
  }
}

function resolveScope(sync: SyncRequest, declaration: ObjectDeclaration): DeleteScope {
  const asked = sync.deletes.scope
  if (asked === 'all' && declaration.lists === 'never') {
    throw configurationError(
      'cannot_list',
      'deletes.scope all needs a destination that can list its records; use scope seen',
    )
  }
  return asked ?? (declaration.shared || declaration.lists === 'never' ? 'seen' : 'all')
}

function plainFields(columns: readonly Column[], exclude: readonly string[]): FieldMapping[] {
  return columns
    .filter(({ name }) => !exclude.includes(name))
    .map(({ name }) => ({
      field: name,
      from: { kind: 'column', column: name, hash: undefined },
      type: undefined,
      nulls: 'write',
      on: 'always',
    }))
}

/** The columns a mapping reads. */
function columnsOf({ from }: FieldMapping): string[] {
  if (from.kind === 'column') return [from.column]
  return from.kind === 'template' ? from.parts.filter((_, index) => index % 2 === 1) : []
}

/** Run variables and constants for inserts only are left out: they would make every row differ. */
function digest(fields: readonly FieldMapping[]): Buffer {
  const lasting = fields.filter(
    ({ from, on }) => from.kind !== 'variable' && !(from.kind === 'constant' && on === 'insert'),
  )
  return createHash('sha256').update(JSON.stringify(lasting)).digest()
}
