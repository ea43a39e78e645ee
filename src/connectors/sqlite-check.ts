import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ObjectRequest } from '../core/destination.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import {
  createTableStatement,
  findColumn,
  findUniqueKey,
  quote,
  type SqliteColumn,
  type SqliteTable,
  sameName,
} from './sqlite-table.ts'

/** What a check found: `problems` stop the sync, `notes` are for `plan`. */
export interface Findings {
  readonly problems: readonly string[]
  readonly notes: readonly string[]
}

/** Throws FatalError `destination_mismatch` that names every problem; returns the notes. */
export function concluded(object: ObjectRequest, findings: Findings): readonly string[] {
  if (findings.problems.length === 0) return findings.notes
  throw configurationError(
    'destination_mismatch',
    `the sqlite table "${object.name}" does not fit this sync: ${findings.problems.join('; ')}`,
  )
}

/** A table that is not there yet. */
export function checkMissing(object: ObjectRequest, tables: readonly string[]): Findings {
  if (object.create) return { problems: [], notes: [`the table will be created: ${createTableStatement(object)}`] }
  const problem = `there is no such table${suggestion(object.name, tables)} (set \`create: true\` to have it made)`
  return { problems: [problem], notes: [] }
}

export function checkTable(object: ObjectRequest, table: SqliteTable): Findings {
  if (table.type !== 'table') return { problems: [`it is a ${table.type}, name a table`], notes: [] }
  const problems: string[] = []
  const notes: string[] = []
  for (const field of object.fields) {
    const column = findColumn(table, field.name)
    if (column === undefined) {
      const names = table.columns.map(({ name }) => name)
      problems.push(`it has no column "${field.name}"${suggestion(field.name, names)}`)
    } else if (column.generated) {
      problems.push(`column "${column.name}" is generated, take it out of the fields`)
    } else if (field.kind === 'decimal' && rounds(column)) {
      notes.push(
        `column "${column.name}" (${column.type}) keeps about 15 digits: rows with longer decimals are rejected, TEXT keeps them all`,
      )
    }
  }
  const unique = findUniqueKey(table, object.match)
  const inserts = SYNC_MODES[object.mode].insert
  if (unique === undefined && inserts) {
    problems.push(`nothing makes ${object.match.join(', ')} unique, which inserting needs: ${createIndex(object)}`)
  } else if (unique === undefined) {
    notes.push(`no unique index on ${object.match.join(', ')}, so every record is searched for: ${createIndex(object)}`)
  }
  if (inserts) problems.push(...unfilled(object, table))
  return { problems, notes }
}

function rounds(column: SqliteColumn): boolean {
  return column.affinity !== 'text' && column.affinity !== 'none'
}

/** Columns that an insert would leave null though they must not be. */
function unfilled(object: ObjectRequest, table: SqliteTable): string[] {
  return table.columns
    .filter((column) => column.notNull && !column.hasDefault && !column.generated && column.name !== table.rowid)
    .filter((column) => !object.fields.some((field) => sameName(field.name, column.name)))
    .map((column) => `column "${column.name}" must not be null and has no default, map it`)
}

function createIndex(object: ObjectRequest): string {
  const name = quote([object.name, ...object.match, 'key'].join('_'))
  return `CREATE UNIQUE INDEX ${name} ON ${quote(object.name)} (${object.match.map(quote).join(', ')})`
}

/** Whether this process can write the file, or make it; SQLite itself would open it read-only without a word. */
export function checkFile(path: string): string[] {
  const needed = existsSync(path) ? [path, dirname(path)] : [dirname(path)]
  return needed
    .filter((entry) => !writable(entry))
    .map((entry) => `${entry} is not writable for this user, and SQLite needs both the file and its folder to be`)
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
