import type { Field, Operation } from '../core/change.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import { quoteIdentifier } from './postgres-identifiers.ts'
import { keepsText } from './postgres-key-text.ts'
import { findColumn, findUniqueKey, type PostgresTable, quotedTable, type TableColumn } from './postgres-table.ts'

/**
 * A temporary table that the lines of a batch are copied to. Its columns are named by position (`field_0`), so that no
 * name of a user can collide.
 */
export interface Stage {
  /** What tells it from other stages: the definitions of its columns. */
  readonly columns: string
  /** Whether it has a first column `line`: the number of the line, from 0. */
  readonly numbered: boolean
}

/** How one operation is carried out on one list of fields. `stage` stands for the name of the staging table. */
export interface WritePlan {
  readonly stage: Stage
  /** Runs between BEGIN and COPY; may be empty. */
  readonly before: string
  copyToStage(stage: string): string
  /** Rows of texts, sent and printed in turn, of a line whose match the table prints otherwise than it was sent. */
  findChangedKey(stage: string): string | undefined
  /** Change the table; what they answer are numbers of lines. */
  statements(stage: string): readonly string[]
  /** Outcomes other than done, from the answers of the statements. */
  judge(answers: readonly (readonly number[])[], outcomes: Outcome[]): void
  /** Puts the lines into the table itself, which does the same where none of the records exists. */
  readonly copyToTable: string | undefined
}

export interface PlanRequest {
  readonly table: PostgresTable
  readonly operation: Operation
  readonly fields: readonly { readonly field: Field; readonly column: TableColumn }[]
  /** The first so many fields find the record. */
  readonly matchCount: number
  /** Whether the sync deletes what the model lacks: only then do keys have to come back as they were sent. */
  readonly deletes: boolean
}

const NOT_WRITTEN: Outcome = {
  status: 'rejected',
  code: 'not_written',
  message: 'the table took the row without an error and does not have it: look at its triggers and row-level policies',
}

const NOT_DELETED: Outcome = {
  status: 'rejected',
  code: 'not_deleted',
  message: 'the record is still there after its delete: look at the triggers and row-level policies of the table',
}

/** Makes the statements. Every answer rests on a row of the table, never on a count. */
export function planWrite(request: PlanRequest): WritePlan {
  const { table, operation, fields, deletes } = request
  const numbered = operation !== 'delete' || table.intervenes
  const match = matchParts(request)
  const changed = match.filter((part) => part.asText)
  const list = [...(numbered ? ['line'] : []), ...fields.map((_, index) => staged(index))].join(', ')
  const target = `${quotedTable(table)} AS target`
  const same = match.map(({ same }) => same).join(' AND ')
  const absent = (stage: string) =>
    `SELECT line FROM ${stage} AS staged WHERE NOT EXISTS (SELECT FROM ${target} WHERE ${same})`
  const parts: Parts = { request, match, target, same, absent }
  const inserts = operation === 'insert' || operation === 'upsert'
  return {
    stage: { numbered, columns: stageColumns(request, match, numbered) },
    before: inserts ? '' : byIndexOnly(request),
    copyToStage: (stage) => `COPY ${stage} (${list}) FROM STDIN`,
    findChangedKey: (stage) => (changed.length === 0 ? undefined : changedKey(stage, changed)),
    ...(inserts ? planInsert(parts) : operation === 'update' ? planUpdate(parts) : planDelete(parts, deletes)),
    copyToTable:
      inserts && !table.intervenes && changed.length === 0
        ? `COPY ${quotedTable(table)} (${columnList(request)}) FROM STDIN`
        : undefined,
  }
}

interface Parts {
  readonly request: PlanRequest
  readonly match: readonly MatchPart[]
  readonly target: string
  readonly same: string
  absent(stage: string): string
}

type Doing = Pick<WritePlan, 'statements' | 'judge'>

function planInsert({ request, match, absent, target }: Parts): Doing {
  const { table, operation, fields } = request
  const set = operation === 'upsert' ? assignments(request, match, (index) => excluded(fields, index)) : []
  const values = fields.map((_, index) => match[index]?.value ?? `staged.${staged(index)}`)
  const conflict = `ON CONFLICT (${match.map(({ name }) => name).join(', ')}) DO`
  const keys = match.map(({ name }, index) => `target.${name} AS key_${index}`).join(', ')
  const landed = match.map(({ equals, value }, index) => `landed.key_${index} ${equals} ${value}`).join(' AND ')
  const insert = (stage: string) =>
    `WITH landed AS (INSERT INTO ${target} (${columnList(request)}) SELECT ${values.join(', ')} FROM ${stage} AS staged ` +
    `${conflict} ${set.length === 0 ? 'NOTHING' : `UPDATE SET ${set.join(', ')}`} RETURNING ${keys}) ` +
    `SELECT staged.line FROM ${stage} AS staged WHERE NOT EXISTS (SELECT FROM landed WHERE ${landed})`
  if (set.length > 0) {
    return { statements: (stage) => [insert(stage)], judge: ([left], outcomes) => put(outcomes, left, NOT_WRITTEN) }
  }
  // Nothing to update: what was not inserted is there already, unless something kept it out.
  const existing = operation === 'insert' ? EXISTS : DONE
  if (operation === 'insert' && !table.intervenes) {
    return { statements: (stage) => [insert(stage)], judge: ([left], outcomes) => put(outcomes, left, existing) }
  }
  return {
    statements: (stage) => [insert(stage), absent(stage)],
    judge: ([left = [], missing = []], outcomes) => {
      put(outcomes, left, existing)
      put(outcomes, both(left, missing), NOT_WRITTEN)
    },
  }
}

function planUpdate({ request, match, same, absent, target }: Parts): Doing {
  const { table, fields } = request
  const set = assignments(request, match, (index) => match[index]?.value ?? `staged.${staged(index)}`, fields)
  const notFound: Doing['judge'] = ([left], outcomes) => put(outcomes, left, NOT_FOUND)
  if (set.length === 0) return { statements: (stage) => [absent(stage)], judge: notFound }
  const update = (stage: string) =>
    `WITH landed AS (UPDATE ${target} SET ${set.join(', ')} FROM ${stage} AS staged WHERE ${same} RETURNING staged.line) ` +
    `SELECT line FROM ${stage} EXCEPT SELECT line FROM landed`
  if (!table.intervenes) return { statements: (stage) => [update(stage)], judge: notFound }
  return {
    statements: (stage) => [update(stage), absent(stage)],
    judge: ([left = [], missing = []], outcomes) => {
      put(outcomes, left, NOT_WRITTEN)
      put(outcomes, both(left, missing), NOT_FOUND)
    },
  }
}

function planDelete({ request, match, same, target }: Parts, deletes: boolean): Doing {
  // A record whose key only equals the one to delete is the record of another key: citext, numeric.
  const exactly = [
    same,
    ...match.flatMap(({ loose, name, value }) =>
      loose && deletes ? `target.${name}::pg_catalog.text = (${value})::pg_catalog.text` : [],
    ),
  ].join(' AND ')
  const remove = (stage: string) => `DELETE FROM ${target} USING ${stage} AS staged WHERE ${exactly}`
  if (!request.table.intervenes) return { statements: (stage) => [remove(stage)], judge: () => {} }
  const present = (stage: string) =>
    `SELECT line FROM ${stage} AS staged WHERE EXISTS (SELECT FROM ${target} WHERE ${exactly})`
  return {
    statements: (stage) => [remove(stage), present(stage)],
    judge: ([, left], outcomes) => put(outcomes, left, NOT_DELETED),
  }
}
