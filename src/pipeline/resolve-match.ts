import type { ObjectDeclaration } from '../core/destination.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { FieldMapping } from '../core/field-mapping.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import type { SyncRequest } from './resolve-sync.ts'

/**
 * Which fields find a record: what the key maps to, as it is, because a delete may know nothing else; or any other fields
 * where the destination knows its records by ids, which the index then keeps. Throws the configuration error that says
 * what would do.
 */
export function resolveMatch(
  sync: SyncRequest,
  fields: readonly FieldMapping[],
  declaration: ObjectDeclaration,
): { readonly match: readonly string[]; readonly matchIsKey: boolean } {
  const asked = sync.destination.match
  const byKey = sync.key.map((column) => {
    const candidates = fields.filter((field) => carries(column, field) && field.on === 'always')
    return (asked === undefined ? candidates[0] : candidates.find(({ field }) => asked.includes(field)))?.field
  })
  const matchIsKey =
    byKey.every((field) => field !== undefined) && (asked ?? []).every((field) => byKey.includes(field))
  if (asked !== undefined && !matchIsKey && declaration.links === true) {
    const match = [...new Set(asked)]
    for (const field of match) requireFinding(field, fields)
    requireUsable(sync, match, declaration)
    return { match, matchIsKey: false }
  }
  const match = byKey.map((field, index) => field ?? notCarried(sync, index, declaration))
  const extra = asked?.find((field) => !match.includes(field))
  if (extra !== undefined) {
    throw configurationError(
      'match_is_not_key',
      `destination.match names ${extra}, which is no key column; add its column to key, or leave it out`,
    )
  }
  requireUsable(sync, match, declaration)
  return { match, matchIsKey: true }
}

/** A list of the destination has match values and no keys, so nothing may depend on one. */
export function requireNoList(sync: SyncRequest, match: readonly string[]): void {
  const { bootstrap, refresh } = sync.index
  const wants =
    sync.mode === 'delete-only'
      ? 'mode delete-only'
      : sync.deletes.scope === 'all'
        ? 'deletes.scope all'
        : bootstrap === 'list'
          ? 'index.bootstrap list'
          : refresh !== undefined && refresh !== 'never'
            ? 'index.refresh'
            : undefined
  if (wants === undefined) return
  throw configurationError(
    'cannot_list',
    `${wants} needs the keys of the records at the destination, and their ${match.join(', ')} is not the key ` +
      `${sync.key.join(', ')}; leave it out, or make the key the column that the match field gets`,
  )
}

/** What it means that records are found by something else than the key. */
export function matchNote({ key, mode }: SyncRequest, match: readonly string[]): string {
  const field = match.join(', ')
  const same = `rows that have the same ${field} would be one record, so all but the first are invalid`
  const deletes = SYNC_MODES[mode].delete ? '; only records that were sent or found for a row are ever deleted' : ''
  return (
    `records are found by ${field}, which is not the key ${key.join(', ')}: the first time a row is sent it goes to the ` +
    `record with its ${field}, from then on to that same record, whatever its ${field} becomes; ${same}${deletes}`
  )
}

function carries(column: string, { from, type }: FieldMapping): boolean {
  return from.kind === 'column' && from.column === column && from.hash === undefined && type === undefined
}

function notCarried(sync: SyncRequest, index: number, { links }: ObjectDeclaration): never {
  const column = sync.key[index] as string
  const asked = sync.destination.match
  if (asked === undefined) {
    const another = links === true ? ', or name the field that finds it: destination: { match: FIELD }' : ''
    const message = `no field carries the key column ${column}, so no record could be found again; map it: fields: { ${column}: ${column} }${another}`
    throw configurationError('key_not_mapped', message)
  }
  throw configurationError(
    'match_is_not_key',
    `destination.match has to be what the key maps to: none of ${asked.join(', ')} is the plain column ${column}; ` +
      'make the key the column that the match field gets, or leave match out',
  )
}

/** A field that is not sent each time, or that says the same of every row, finds no record. */
function requireFinding(name: string, fields: readonly FieldMapping[]): void {
  const mapped = fields.find(({ field }) => field === name)
  if (mapped === undefined) {
    const names = fields.map(({ field }) => field)
    throw configurationError(
      'match_not_mapped',
      `destination.match names ${name}${suggestion(name, names)}, which no field maps; map it, or match by one of ${names.join(', ')}`,
    )
  }
  const { from, on } = mapped
  if (on === 'always' && (from.kind === 'column' || from.kind === 'template')) return
  const why = on === 'always' ? 'the same for every row' : 'sent with inserts only'
  throw configurationError(
    'match_not_mapped',
    `destination.match names ${name}, which is ${why}; match by a field that each row has a value of its own for`,
  )
}

function requireUsable(sync: SyncRequest, match: readonly string[], declaration: ObjectDeclaration): void {
  if (declaration.match === 'any') return
  const unusable = match.find((field) => !declaration.match.includes(field))
  if (unusable === undefined) return
  throw configurationError(
    'unusable_match',
    `${sync.destination.object} cannot be matched by ${unusable}; it can by ${declaration.match.join(', ')}`,
  )
}
