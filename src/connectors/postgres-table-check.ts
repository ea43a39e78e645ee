import type { Field } from '../core/change.ts'
import type { KeyEncoding } from '../core/column.ts'
import type { ObjectRequest } from '../core/destination.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import { type ModeOperations, SYNC_MODES } from '../core/sync-mode.ts'
import { quoteIdentifier } from './postgres-identifiers.ts'
import { keepsText, losesText } from './postgres-key-text.ts'
import {
  findColumn,
  findUniqueKey,
  type PostgresPlace,
  type PostgresTable,
  quotedTable,
  type TableColumn,
} from './postgres-table.ts'

/** Something that stops the sync. */
export interface Problem {
  readonly code: string
  /** A part of a sentence that ends with what to do. */
  readonly message: string
}

export interface Findings {
  readonly problems: readonly Problem[]
  /** For `plan`. */
  readonly notes: readonly string[]
}

/** A field, and the column of its name. */
interface Found {
  readonly field: Field
  readonly column: TableColumn
}

/** Throws FatalError with every problem, under the code of the first; returns the notes. */
export function concluded(object: ObjectRequest, { problems, notes }: Findings): readonly string[] {
  const [first, ...more] = problems
  if (first === undefined) return notes
  const list = more.length === 0 ? ` ${first.message}` : problems.map(({ message }) => `\n- ${message}`).join('')
  throw configurationError(first.code, `the table ${object.name} does not fit this sync:${list}`)
}

/** What is wrong with the place, whether or not the table is there. */
export function checkPlace(place: PostgresPlace): Problem[] {
  const problems: Problem[] = []
  const role = quoteIdentifier(place.user)
  if (place.readOnly) {
    const message =
      'the server takes no writes from this user (a standby, or read-only by default): connect to the primary'
    problems.push({ code: 'read_only', message })
  }
  if (!place.mayCreateTemporary) {
    const grant = `GRANT TEMPORARY ON DATABASE ${quoteIdentifier(place.database)} TO ${role}`
    problems.push(denied('batches go through a temporary table, which the user may not create', grant))
  }
  return problems
}

/** A table that is not there. `names` are those that are. */
export function checkMissing(object: ObjectRequest, place: PostgresPlace, names: readonly string[]): Findings {
  const near = suggestion(object.name, names)
  if (!object.create) {
    const message = `there is no such table in the database "${place.database}"${near}: correct its name, or set create: true`
    return { problems: [{ code: 'unknown_table', message }], notes: [] }
  }
  if (!place.schemaExists) {
    const message =
      place.schema === null
        ? 'the search path of the user has no schema to create it in: write schema.table'
        : `there is no schema to create it in: correct its name, or run CREATE SCHEMA ${quoteIdentifier(place.schema)}`
    return { problems: [{ code: 'unknown_schema', message }], notes: [] }
  }
  if (!place.mayCreateTable) {
    const grant = `GRANT CREATE ON SCHEMA ${quoteIdentifier(place.schema ?? '')} TO ${quoteIdentifier(place.user)}`
    return { problems: [denied('the user may not create it', grant)], notes: [] }
  }
  return { problems: [], notes: [`table ${object.name} will be created${near}`] }
}

export function checkTable(object: ObjectRequest, place: PostgresPlace, table: PostgresTable): Findings {
  const operations = SYNC_MODES[object.mode]
  const unusable = checkKind(table, operations)
  if (unusable !== undefined) return { problems: [unusable], notes: [] }
  const fields = neededFields(object, operations)
  const problems: Problem[] = []
  const found: Found[] = []
  for (const field of fields) {
    const column = findColumn(table, field.name)
    if (column !== undefined) found.push({ field, column })
    else problems.push(unknownField(field.name, table))
  }
  problems.push(...checkReadOnly(object, table, found, operations))
  const keys = checkMatch(object, table, operations)
  const unfilled = operations.insert ? checkUnfilled(object, table) : { problems: [], notes: [] }
  problems.push(...keys.problems, ...unfilled.problems)
  problems.push(...checkPrivileges(object, place, table, found))
  return { problems, notes: [...keys.notes, ...unfilled.notes] }
}

/** A delete needs the match fields only, and those that it sets where it is an update. */
function neededFields({ fields, match, retires = [] }: ObjectRequest, operations: ModeOperations): readonly Field[] {
  if (operations.insert || operations.update) return fields
  return fields.filter(({ name }) => match.includes(name) || retires.includes(name))
}

const KINDS: Readonly<Record<string, string>> = {
  m: 'a materialized view',
  S: 'a sequence',
  c: 'a composite type',
}

function checkKind(table: PostgresTable, operations: ModeOperations): Problem | undefined {
  const other = KINDS[table.kind]
  if (other !== undefined) return { code: 'not_a_table', message: `it is ${other}: name a table` }
  if (table.rules.length > 0) {
    const message = `its rules (${table.rules.join(', ')}) rewrite what is written: replace them by triggers`
    return { code: 'not_a_table', message }
  }
  if (table.kind === 'v' && operations.insert) {
    const message = 'it is a view, whose records no unique index can tell apart: name the table below it'
    return { code: 'not_a_table', message }
  }
  const refused = (['insert', 'update', 'delete'] as const).filter((what) => operations[what] && !table.accepts[what])
  if (refused.length === 0) return undefined
  const message = `it is a view that takes no ${refused.join(', ')}: name the table below it, or create INSTEAD OF triggers`
  return { code: 'not_a_table', message }
}

function unknownField(name: string, table: PostgresTable): Problem {
  const names = table.columns.map((column) => column.name)
  const message = `it has no column "${name}"${suggestion(name, names)}: correct fields, exclude it, or add the column`
  return { code: 'unknown_field', message }
}

/** Columns that Postgres fills by itself; one that only finds the record is as good as any. */
function checkReadOnly(
  object: ObjectRequest,
  table: PostgresTable,
  found: readonly { readonly column: TableColumn }[],
  operations: ModeOperations,
): Problem[] {
  return found.flatMap(({ column }): Problem[] => {
    if (column.readOnly === null || (!operations.insert && object.match.includes(column.name))) return []
    const message =
      column.readOnly === 'generated'
        ? `column "${column.name}" is computed by Postgres (GENERATED ALWAYS AS) and takes no value: exclude it`
        : `column "${column.name}" is numbered by Postgres alone (GENERATED ALWAYS AS IDENTITY): exclude it, or run ` +
          `ALTER TABLE ${quotedTable(table)} ALTER COLUMN ${quoteIdentifier(column.name)} SET GENERATED BY DEFAULT`
    return [{ code: 'read_only_field', message }]
  })
}

function checkMatch(object: ObjectRequest, table: PostgresTable, operations: ModeOperations): Findings {
  const problems: Problem[] = []
  const notes: string[] = []
  const match = object.match.join(', ')
  const known = object.match.every((name) => findColumn(table, name) !== undefined)
  if (known && findUniqueKey(table, object.match) === undefined) {
    const run = `CREATE UNIQUE INDEX ON ${quotedTable(table)} (${object.match.map(quoteIdentifier).join(', ')})`
    if (operations.insert) {
      const message = `nothing in it makes ${match} unique (a partial index or a deferrable constraint does not): run ${run}`
      problems.push({ code: 'match_not_unique', message })
    } else if (table.kind !== 'v') {
      notes.push(
        `nothing makes ${match} unique in ${object.name}: a change is applied to every record that has it; ${run}`,
      )
    }
  }
  for (const [index, name] of object.match.entries()) {
    const column = findColumn(table, name)
    const field = object.fields[index]
    if (column === undefined || field === undefined || !operations.delete) continue
    if (losesText(field, column, object.keyEncodings[index] as KeyEncoding)) {
      const message = `${name} is ${field.type} in the model and ${column.type} here, so its keys could not be compared: cast it to text in the model`
      problems.push({ code: 'key_type_mismatch', message })
    } else if (!keepsText(field, column)) {
      notes.push(
        `${name} is ${field.type} in the model and ${column.type} in ${object.name}: ` +
          'a key that the model writes otherwise than the table prints it counts as another record',
      )
    }
  }
  return { problems, notes }
}

/** Columns that an insert would leave null though they must not be. */
function checkUnfilled(object: ObjectRequest, table: PostgresTable): Findings {
  const names = table.columns
    .filter((column) => column.notNull && !column.hasDefault && column.readOnly === null)
    .filter((column) => !object.fields.some((field) => field.name === column.name))
    .map((column) => `"${column.name}"`)
  if (names.length === 0) return { problems: [], notes: [] }
  const what = `${names.join(', ')} must not be null and ${names.length === 1 ? 'has' : 'have'} no default`
  if (table.fillsInserts) return { problems: [], notes: [`in ${object.name}, ${what}: a trigger has to fill them`] }
  return {
    problems: [{ code: 'unmapped_column', message: `${what}: map them in fields, or give them a default` }],
    notes: [],
  }
}

/** What each operation's statement needs, down to the column. */
function checkPrivileges(
  object: ObjectRequest,
  place: PostgresPlace,
  table: PostgresTable,
  found: readonly Found[],
): Problem[] {
  const operations = SYNC_MODES[object.mode]
  const role = quoteIdentifier(place.user)
  if (!table.mayUseSchema) {
    const grant = `GRANT USAGE ON SCHEMA ${quoteIdentifier(table.schema)} TO ${role}`
    return [denied(`the user may not use the schema ${table.schema}`, grant)]
  }
  const isMatch = (column: TableColumn) => object.match.includes(column.name)
  const updates = ({ field, column }: Found) =>
    (operations.update && (isMatch(column) ? operations.delete && !column.exact : field.on === 'always')) ||
    (operations.delete && object.retires?.includes(column.name) === true)
  const removes = operations.delete && object.retires === undefined
  const missing = [
    // ON CONFLICT DO UPDATE reads the proposed values of the columns it sets as columns of the table.
    privilege('SELECT', found, (one) => {
      const read = isMatch(one.column) || (updates(one) && (operations.insert || one.field.nulls === 'skip'))
      return read && !one.column.maySelect
    }),
    privilege('INSERT', found, ({ column }) => operations.insert && !column.mayInsert),
    privilege('UPDATE', found, (one) => updates(one) && !one.column.mayUpdate),
    ...(removes && !table.mayDelete ? ['DELETE'] : []),
  ].flatMap((part) => part ?? [])
  if (missing.length === 0) return []
  return [denied('the user lacks privileges', `GRANT ${missing.join(', ')} ON ${quotedTable(table)} TO ${role}`)]
}

/** `SELECT ("id", "email")`, for the columns that lack it. */
function privilege(name: string, found: readonly Found[], lacks: (one: Found) => boolean): string | undefined {
  const lacking = found.filter(lacks)
  if (lacking.length === 0) return undefined
  if (lacking.length === found.length) return name
  return `${name} (${lacking.map(({ column }) => quoteIdentifier(column.name)).join(', ')})`
}

function denied(what: string, grant: string): Problem {
  return { code: 'permission_denied', message: `${what}: run ${grant}` }
}
