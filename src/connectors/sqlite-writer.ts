import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import { decodeField } from '../core/copy-text.ts'
import { BatchRefusedError, FatalError } from '../core/errors.ts'
import { DONE, type Outcome } from '../core/outcome.ts'
import type { SqliteDatabase, SqliteStatement } from '../core/sqlite-driver.ts'
import { isAboutRow } from './sqlite-error.ts'
import { planStatement, type StatementPlan } from './sqlite-statement.ts'
import { findColumn, type SqliteColumn, type SqliteTable } from './sqlite-table.ts'
import { type Binder, binderFor, isRefusal, type SqliteValue } from './sqlite-values.ts'

/**
 * A prepared operation on one list of fields. `values` (by field) and `bound` (by parameter) are used again for every
 * row, and are the same array where fields and parameters are in the same order.
 */
interface Prepared extends StatementPlan {
  readonly fields: readonly Field[]
  readonly statement: SqliteStatement
  readonly binders: readonly (Binder | undefined)[]
  readonly values: SqliteValue[]
  readonly bound: SqliteValue[]
}

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
  write(batch: ChangeBatch): Outcome[] {
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

  #apply(batch: ChangeBatch, prepared: Prepared): Outcome[] {
    const outcomes = new Array<Outcome>(batch.count)
    // One string for the batch: its slices cost a tenth of decoding field by field.
    const text = batch.text.toString('utf8', 0, batch.ends[batch.count - 1])
    const { binders, values } = prepared
    const width = prepared.fields.length
    let at = 0
    let backslash = text.indexOf('\\')
    for (let row = 0; row < batch.count; row++) {
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
          if (field === null && index < this.#match) refused ??= missingMatch(prepared.fields[index] as Field)
          continue
        }
        const value = binder(field)
        if (typeof value === 'object' && isRefusal(value)) refused ??= { status: 'rejected', ...value }
        else values[index] = value
      }
      outcomes[row] = refused ?? this.#run(prepared)
    }
    return outcomes
  }

  #run(prepared: Prepared): Outcome {
    const { bound, values, parameters } = prepared
    if (bound !== values) {
      for (let index = 0; index < parameters.length; index++) {
        bound[index] = values[parameters[index] as number] as SqliteValue
      }
    }
    try {
      return prepared.statement.run(...bound).changes === 0 ? prepared.unchanged : DONE
    } catch (error) {
      if (!isAboutRow(error)) throw error
      // A trigger that says RAISE(ROLLBACK) undid the rows before this one, too.
      if (!this.#database.inTransaction) throw new BatchRefusedError(error.code, error.message, { cause: error })
      return { status: 'rejected', code: error.code, message: error.message }
    }
  }

  #prepare(batch: ChangeBatch): Prepared {
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
    const values: SqliteValue[] = fields.map(() => null)
    const inOrder = plan.parameters.length === fields.length && plan.parameters.every((field, index) => field === index)
    return {
      ...plan,
      fields,
      statement: this.#database.prepare(plan.sql),
      binders: fields.map((field, index) =>
        used.has(index) ? binderFor(field, columns[index] as SqliteColumn, index < this.#match) : undefined,
      ),
      values,
      bound: inOrder ? values : plan.parameters.map(() => null),
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

function unescaped(field: string): string | null {
  const bytes = Buffer.from(field)
  return decodeField(bytes, 0, bytes.length)
}

function missingMatch(field: Field): Outcome {
  const message = `${field.name} is null, but finds the record: map it to a column that is never null`
  return { status: 'rejected', code: 'missing_match', message }
}
