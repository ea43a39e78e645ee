import type { Field, Operation } from '../core/change.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import { type StagedField, type StagedMatch, stageFields } from './postgres-stage.ts'
import { findUniqueKey, type PostgresTable, quotedTable, type TableColumn } from './postgres-table.ts'

/** How one operation is carried out on one list of fields, as SQL. */
export interface WritePlan {
  /** What tells the staging table from others: the definitions of its columns. */
  readonly stageColumns: string
  /** Whether the staging table has a first column `line`: the number of the line, from 0. */
  readonly numbered: boolean
  /** Run between BEGIN and COPY. */
  readonly before: readonly string[]
  readonly copyToStage: string
  /** Answers a row of texts, sent and printed in turn, if the table prints a match otherwise than it was sent. */
  readonly findChangedKey: string | undefined
  /** Change the table; what they answer are numbers of lines. */
  readonly statements: readonly string[]
  /** Puts the outcomes other than done, from the answers of the statements: none where all of them are empty. */
  judge(answers: readonly (readonly number[])[], outcomes: Outcome[]): void
  /** Copies the lines into the table itself: the same where none of the records exists. */
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
  /** Name of the staging table with these columns, as SQL. */
  stage(columns: string): string
}

type Doing = Pick<WritePlan, 'statements' | 'judge'>

/** What the statements are made of. */
interface Parts {
  readonly table: PostgresTable
  readonly fields: readonly StagedField[]
  readonly match: readonly StagedMatch[]
  readonly columns: string
  readonly target: string
  readonly staged: string
  /** Condition: the record of a staged line. */
  readonly same: string
}

const NOT_WRITTEN: Outcome = Object.freeze({
  status: 'rejected',
  code: 'not_written',
  message: 'the table accepted the record and did not store it: look at its triggers and row-level security policies',
})

const NOT_DELETED: Outcome = Object.freeze({
  status: 'rejected',
  code: 'not_deleted',
  message:
    'the record is still there after its delete: look at the triggers and row-level security policies of the table',
})

/** Makes the statements. Each outcome rests on a row that the table answered or lacks, never on a count. */
export function planWrite(request: PlanRequest): WritePlan {
  const { table, operation, deletes } = request
  const verifiesKeys = deletes && operation !== 'delete'
  const { fields, match } = stageFields({ ...request, exactKeys: deletes, verifiesKeys })
  const numbered = operation !== 'delete' || table.intervenes
  const stageColumns = [...(numbered ? ['line integer'] : []), ...fields.map((field) => field.definition)].join(', ')
  const stage = request.stage(stageColumns)
  const names = [...(numbered ? ['line'] : []), ...fields.map((_, index) => `field_${index}`)]
  const columns = fields.map((field) => field.name).join(', ')
  const changeable = match.flatMap(({ texts }) => texts ?? [])
  const inserts = operation === 'insert' || operation === 'upsert'
  const parts: Parts = {
    table,
    fields,
    match,
    columns,
    target: `${quotedTable(table)} AS target`,
    staged: `${stage} AS staged`,
    same: match.map(({ name, equals, value }) => `target.${name} ${equals} ${value}`).join(' AND '),
  }
  return {
    stageColumns,
    numbered,
    before: inserts ? [] : byIndex(parts, operation),
    copyToStage: `COPY ${stage} (${names.join(', ')}) FROM STDIN`,
    findChangedKey: changeable.length === 0 ? undefined : findChangedKey(parts.staged, changeable),
    ...(inserts ? insert(parts, operation) : operation === 'update' ? update(parts) : remove(parts)),
    copyToTable:
      inserts && !table.intervenes && changeable.length === 0
        ? `COPY ${quotedTable(table)} (${columns}) FROM STDIN`
        : undefined,
  }
}

function insert(parts: Parts, operation: 'insert' | 'upsert'): Doing {
  const { table, fields, match, columns, target, staged } = parts
  const set = operation === 'upsert' ? assignments(parts, (_, name) => `excluded.${name}`) : []
  const conflict = match.map(({ name }) => name).join(', ')
  const keys = match.map(({ name }, index) => `target.${name} AS key_${index}`).join(', ')
  const landed = match.map(({ equals, value }, index) => `landed.key_${index} ${equals} ${value}`).join(' AND ')
  const sql =
    `WITH landed AS (INSERT INTO ${target} (${columns}) SELECT ${fields.map(({ value }) => value).join(', ')} ` +
    `FROM ${staged} ON CONFLICT (${conflict}) DO ${set.length === 0 ? 'NOTHING' : `UPDATE SET ${set.join(', ')}`} ` +
    `RETURNING ${keys}) SELECT staged.line FROM ${staged} WHERE NOT EXISTS (SELECT FROM landed WHERE ${landed})`
  if (set.length > 0) {
    return { statements: [sql], judge: ([left = []], outcomes) => put(outcomes, left, NOT_WRITTEN) }
  }
  // What was not inserted exists, unless something kept it out.
  const existing = operation === 'insert' ? EXISTS : DONE
  if (operation === 'insert' && !table.intervenes) {
    return { statements: [sql], judge: ([left = []], outcomes) => put(outcomes, left, existing) }
  }
  return {
    statements: [sql, ...byIndex(parts), absent(parts)],
    judge: (answers, outcomes) => {
      const left = answers[0] ?? []
      put(outcomes, left, existing)
      put(outcomes, both(left, answers.at(-1) ?? []), NOT_WRITTEN)
    },
  }
}

function update(parts: Parts): Doing {
  const { table, target, staged, same } = parts
  const set = assignments(parts, (value) => value)
  if (set.length === 0) {
    return { statements: [absent(parts)], judge: ([missing = []], outcomes) => put(outcomes, missing, NOT_FOUND) }
  }
  const sql =
    `WITH landed AS (UPDATE ${target} SET ${set.join(', ')} FROM ${staged} WHERE ${same} RETURNING staged.line) ` +
    `SELECT line FROM ${staged} EXCEPT SELECT line FROM landed`
  if (!table.intervenes) {
    return { statements: [sql], judge: ([left = []], outcomes) => put(outcomes, left, NOT_FOUND) }
  }
  return {
    statements: [sql, absent(parts)],
    judge: ([left = [], missing = []], outcomes) => {
      put(outcomes, left, NOT_WRITTEN)
      put(outcomes, both(left, missing), NOT_FOUND)
    },
  }
}

function remove(parts: Parts): Doing {
  const { table, match, target, staged, same } = parts
  const key = listedKey(parts)
  if (key !== undefined) {
    const keys = `ARRAY (SELECT ${key.value} FROM ${staged})`
    const sql = `DELETE FROM ${target} WHERE target.${key.name} ${key.equals} ANY (${keys})`
    return { statements: [sql], judge: () => {} }
  }
  // A record whose key only equals the deleted one (citext, numeric) is the record of another key.
  const texts = match
    .filter(({ loose }) => loose)
    .map(({ name, value }) => `target.${name}::pg_catalog.text COLLATE pg_catalog."C" = ${value}::pg_catalog.text`)
  const exactly = [same, ...texts].join(' AND ')
  const sql = `DELETE FROM ${target} USING ${staged} WHERE ${exactly}`
  if (!table.intervenes) return { statements: [sql], judge: () => {} }
  return {
    statements: [sql, `SELECT line FROM ${staged} WHERE EXISTS (SELECT FROM ${target} WHERE ${exactly})`],
    judge: ([, left = []], outcomes) => put(outcomes, left, NOT_DELETED),
  }
}

/** The SET list of an existing record. `value` is given the staged value and the quoted name. */
function assignments(parts: Parts, value: (staged: string, name: string) => string): string[] {
  const { fields, match } = parts
  return fields.flatMap(({ field, name, value: staged }, index) => {
    // The match as it was sent becomes the key that the table lists.
    if (index < match.length ? !match[index]?.loose : field.on === 'insert') return []
    const given = value(staged, name)
    return [
      `${name} = ${field.nulls === 'skip' && index >= match.length ? `COALESCE(${given}, target.${name})` : given}`,
    ]
  })
}

/** A second look, in a new snapshot: lines whose record is not in the table. */
function absent({ target, staged, same }: Parts): string {
  return `SELECT line FROM ${staged} WHERE NOT EXISTS (SELECT FROM ${target} WHERE ${same})`
}

function findChangedKey(staged: string, texts: readonly { readonly sent: string; readonly printed: string }[]): string {
  const pairs = texts.map(({ sent, printed }) => `${sent}, ${printed}`).join(', ')
  const differs = texts.map(({ sent, printed }) => `${sent} <> ${printed}`).join(' OR ')
  return `SELECT ${pairs} FROM ${staged} WHERE ${differs} LIMIT 1`
}

/**
 * The planner knows nothing of the keys in a staging table and may read all of a large table for a batch: it is held to
 * the unique index. Not where triggers run queries of their own, which have nothing to do with it.
 */
function byIndex(parts: Parts, operation: Operation = 'update'): string[] {
  if (!holdsToIndex(parts)) return []
  if (operation === 'delete' && listedKey(parts) !== undefined) return ['SET LOCAL enable_seqscan = off']
  return ['SET LOCAL enable_hashjoin = off', 'SET LOCAL enable_mergejoin = off']
}

function holdsToIndex({ table, match }: Parts): boolean {
  const names = match.map(({ column }) => column.name)
  return findUniqueKey(table, names) !== undefined && !table.hasTriggers
}

/**
 * The key column by which deletes are found as one list, in one walk along the index: half of what it costs the server to
 * look for each staged key by itself. Only where each record is found by an equal value alone, and nothing intervenes.
 */
function listedKey(parts: Parts): StagedMatch | undefined {
  const [only, ...others] = parts.match
  if (only === undefined || others.length > 0 || only.loose || parts.table.intervenes) return undefined
  return holdsToIndex(parts) ? only : undefined
}

function put(outcomes: Outcome[], lines: readonly number[], outcome: Outcome): void {
  for (const line of lines) outcomes[line] = outcome
}

function both(a: readonly number[], b: readonly number[]): number[] {
  const wanted = new Set(b)
  return a.filter((line) => wanted.has(line))
}
