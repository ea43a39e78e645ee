import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import { decodeField } from '../core/copy-text.ts'
import { BatchRefusedError, FatalError } from '../core/errors.ts'
import { DONE, type Outcome } from '../core/outcome.ts'
import type { SqliteDatabase, SqliteStatement } from '../core/sqlite-driver.ts'
import { isAboutRow } from './sqlite-error.ts'
import { planStatement, type StatementPlan } from './sqlite-statement.ts'
import { findColumn, type SqliteColumn, type SqliteTable } from './sqlite-table.ts'
import { type Binder, binderFor, isRefusal, type SqliteValue } from './sqlite-values.ts'

const NEWLINE = 10
const CHUNK_BYTES = 64 * 1024

/**
 * How many rows a statement takes that takes several: calling one and reading what it has done cost as much as a third
 * of a row. More parameters than these make no difference.
 */
const MOST_ROWS = 16
const MOST_PARAMETERS = 80

/**
 * A prepared operation on one list of fields. `values` (by field) and `bound` (by parameter, for `size` rows) are used
 * again for all rows.
 */
interface Prepared extends StatementPlan {
  readonly fields: readonly Field[]
  readonly binders: readonly (Binder | undefined)[]
  readonly values: SqliteValue[]
  readonly bound: SqliteValue[]
  /** How many rows are gathered before they are written. */
  readonly size: number
  readonly one: SqliteStatement
  /** For `size` rows. */
  readonly all: SqliteStatement
  /** Number of each gathered row in its batch. */
  readonly gathered: number[]
}

/** What is written of a batch: `text` is its lines. */
export type WrittenBatch = Pick<ChangeBatch, 'operation' | 'fields' | 'count' | 'text'>

/** Writes batches into one table, each in a transaction of its own. Throws what SQLite throws. */
export class SqliteWriter {
  readonly #database: SqliteDatabase
  readonly #table: SqliteTable
  readonly #match: number
  readonly #prepared = new WeakMap<readonly Field[], Map<Operation, Prepared>>()
  readonly #begin: SqliteStatement
  readonly #commit: SqliteStatement

  constructor(database: SqliteDatabase, table: SqliteTable, match: number) {
    this.#database = database
    this.#table = table
    this.#match = match
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
  }

  /** One outcome per change. Throws BatchRefusedError where a row took the whole transaction with it. */
  write(batch: WrittenBatch): Outcome[] {
    if (batch.count === 0) return []
    const prepared = this.#prepare(batch)
    this.#begin.run()
    try {
      const outcomes = this.#apply(batch, prepared)
      this.#end()
      return outcomes
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #end(): void {
    try {
      this.#commit.run()
    } catch (error) {
      // Deferred foreign keys are looked at here, and nothing says whose row it was.
      if (isAboutRow(error)) throw new BatchRefusedError(error.code, error.message, { cause: error })
      throw error
    }
  }

  #apply(batch: WrittenBatch, prepared: Prepared): Outcome[] {
    const outcomes = new Array<Outcome>(batch.count)
    prepared.gathered.length = 0
    let row = 0
    for (const text of chunks(batch.text)) row = this.#applyLines(text, row, prepared, outcomes)
    this.#writeGathered(prepared, outcomes)
    return outcomes
  }

  /** Takes the rows of `text`, of which the first has that number; returns the number behind the last. */
  #applyLines(text: string, first: number, prepared: Prepared, outcomes: Outcome[]): number {
    const { fields, binders, values, parameters, bound, size, gathered } = prepared
    const width = fields.length
    let to = gathered.length * parameters.length
    let row = first
    let backslash = text.indexOf('\\')
    for (let at = 0; at < text.length; row++) {
      let refused: Outcome | undefined
      for (let index = 0; index < width; index++) {
        const end = text.indexOf(index === width - 1 ? '\n' : '\t', at)
        let field: string | null = text.slice(at, end)
        if (backslash !== -1 && backslash < end) {
          field = unescaped(field)
          backslash = text.indexOf('\\', end)
        }
        at = end + 1
        const binder = binders[index]
        if (field === null || binder === undefined) {
          values[index] = field
          if (field === null && index < this.#match) refused ??= missingMatch(fields[index] as Field)
          continue
        }
        const value = binder(field)
        if (typeof value === 'object' && isRefusal(value)) refused ??= { status: 'rejected', ...value }
        else values[index] = value
      }
      if (refused !== undefined) {
        outcomes[row] = refused
        continue
      }
      for (let index = 0; index < parameters.length; index++) {
        bound[to++] = values[parameters[index] as number] as SqliteValue
      }
      if (gathered.push(row) < size) continue
      this.#writeGathered(prepared, outcomes)
      to = 0
    }
    return row
  }

  /** Writes the gathered rows at once, or else one by one: only so does each get an outcome of its own. */
  #writeGathered(prepared: Prepared, outcomes: Outcome[]): void {
    const { gathered, size, all, one, bound, parameters } = prepared
    if (size > 1 && gathered.length === size && this.#tryAll(all, bound, size)) {
      for (const row of gathered) outcomes[row] = DONE
    } else {
      for (const [index, row] of gathered.entries()) {
        const from = index * parameters.length
        const values = size === 1 ? bound : bound.slice(from, from + parameters.length)
        outcomes[row] = this.#run(one, values, prepared.unchanged)
      }
    }
    gathered.length = 0
  }

  /** Whether all rows were written by one statement. Where it fails about a row, it has written none. */
  #tryAll(statement: SqliteStatement, bound: readonly SqliteValue[], rows: number): boolean {
    try {
      return statement.run(...bound).changes === rows
    } catch (error) {
      if (isAboutRow(error)) return false
      throw error
    }
  }

  #run(statement: SqliteStatement, bound: readonly SqliteValue[], unchanged: Outcome): Outcome {
    try {
      return statement.run(...bound).changes === 0 ? unchanged : DONE
    } catch (error) {
      if (!isAboutRow(error)) throw error
      // A trigger that says RAISE(ROLLBACK) undid the rows before this one, too.
      if (!this.#database.inTransaction) throw new BatchRefusedError(error.code, error.message, { cause: error })
      return { status: 'rejected', code: error.code, message: error.message }
    }
  }

  #prepare(batch: WrittenBatch): Prepared {
    let operations = this.#prepared.get(batch.fields)
    if (operations === undefined) {
      operations = new Map()
      this.#prepared.set(batch.fields, operations)
    }
    let prepared = operations.get(batch.operation)
    if (prepared === undefined) {
      prepared = this.#prepareFields(batch.operation, batch.fields)
      operations.set(batch.operation, prepared)
    }
    return prepared
  }

  #prepareFields(operation: Operation, fields: readonly Field[]): Prepared {
    const columns = fields.map((field) => this.#column(field.name))
    const plan = planStatement(operation, this.#table, fields, columns, this.#match)
    const used = new Set(plan.parameters)
    const rows = Math.min(MOST_ROWS, Math.floor(MOST_PARAMETERS / plan.parameters.length))
    const size = plan.several === undefined ? 1 : Math.max(1, rows)
    const one = this.#database.prepare(plan.sql)
    return {
      ...plan,
      fields,
      binders: fields.map((field, index) =>
        used.has(index) ? binderFor(field, columns[index] as SqliteColumn, index < this.#match) : undefined,
      ),
      values: fields.map(() => null),
      bound: new Array<SqliteValue>(plan.parameters.length * size).fill(null),
      size,
      one,
      all: size === 1 || plan.several === undefined ? one : this.#database.prepare(plan.several(size)),
      gathered: [],
    }
  }

  #column(name: string): SqliteColumn {
    const column = findColumn(this.#table, name)
    if (column !== undefined) return column
    throw new FatalError(
      'destination_mismatch',
      `the sqlite table "${this.#table.name}" has no column "${name}": add it, or take it out of the fields`,
    )
  }
}

/**
 * The lines as strings of about 64 KiB: one string and its slices cost a tenth of decoding field by field, and are young
 * enough to be collected with the values. V8 keeps larger ones until it looks at its whole heap.
 */
function* chunks(lines: Buffer): Generator<string> {
  for (let start = 0; start < lines.length; ) {
    const end = lines.indexOf(NEWLINE, Math.min(start + CHUNK_BYTES, lines.length) - 1) + 1
    yield lines.toString('utf8', start, end)
    start = end
  }
}

function unescaped(field: string): string | null {
  const bytes = Buffer.from(field)
  return decodeField(bytes, 0, bytes.length)
}

function missingMatch(field: Field): Outcome {
  const message = `${field.name} is null, but finds the record: map it to a column that is never null`
  return { status: 'rejected', code: 'missing_match', message }
}
