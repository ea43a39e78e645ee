import pg from 'pg'
import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import type { ObjectRequest } from '../core/destination.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError, FatalError, RetryableError } from '../core/errors.ts'
import { DONE, type Outcome } from '../core/outcome.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import { disconnect } from './postgres-connection.ts'
import { exchange } from './postgres-exchange.ts'
import { LineNumbers } from './postgres-line-numbers.ts'
import { findColumn, type PostgresTable } from './postgres-table.ts'
import { endsConnection, mayTryAgain, type WriteContext, writeError } from './postgres-write-error.ts'
import { planWrite, type WritePlan } from './postgres-write-plan.ts'

// A new snapshot for each statement, whatever the user's default is: a second look must see what the first did.
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED'

/** A connection and the staging tables that it has. */
interface Connection {
  readonly client: pg.Client
  readonly stages: Set<string>
  readonly numbers: LineNumbers
}

export interface WriterOptions {
  readonly table: PostgresTable
  readonly object: ObjectRequest
  readonly context: WriteContext
  /** Milliseconds without a sign of life after which a connection is given up. */
  readonly idleTimeoutMs: number
  /** Opens a connection, with the settings that make the lines mean what they meant in the source. */
  connect(): Promise<pg.Client>
}

/** Applies batches, each in one transaction. Calls may overlap: each takes a connection of its own. */
export class PostgresWriter implements AsyncDisposable {
  readonly #options: WriterOptions
  readonly #idle: Connection[] = []
  /** Names of staging tables by the definition of their columns. */
  readonly #stages = new Map<string, string>()
  /** The engine sends the same array of fields as long as nothing changes. */
  readonly #plans = new WeakMap<readonly Field[], Map<Operation, WritePlan>>()
  #done: readonly Outcome[] = []
  /** Whether an insert is still tried as a plain COPY: until the first record that is there already. */
  #optimistic = true

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** As in the port `Destination`. A connection is used again only when it is certain that it is in order. */
  async write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]> {
    signal.throwIfAborted()
    const plan = this.#plan(batch.operation, batch.fields)
    const connection = this.#take() ?? (await this.#open(signal))
    let inOrder = false
    try {
      const outcomes = await this.#apply(connection, plan, batch, signal)
      inOrder = true
      return outcomes
    } catch (error) {
      inOrder = !endsConnection(error) && (await this.#rollback(connection, signal))
      throw writeError(error, this.#options.context, batch.fields, batch.text.subarray(0, batch.ends[batch.count - 1]))
    } finally {
      if (inOrder) this.#idle.push(connection)
      else connection.client.connection.stream.destroy()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(({ client }) => disconnect(client)))
  }

  async #apply(
    connection: Connection,
    plan: WritePlan,
    batch: ChangeBatch,
    signal: AbortSignal,
  ): Promise<readonly Outcome[]> {
    if (this.#optimistic && (await this.#copyToTable(connection, plan, batch, signal)))
      return this.#allDone(batch.count)
    await this.#ensureStage(connection, plan, signal)
    const { findChangedKey, statements } = plan
    const before = [BEGIN, ...plan.before, plan.copyToStage, ...(findChangedKey === undefined ? [] : [findChangedKey])]
    const answers = await exchange(connection.client, [...before, ...statements, 'COMMIT'], {
      signal,
      idleTimeoutMs: this.#options.idleTimeoutMs,
      copy: plan.numbered ? connection.numbers.number(batch) : batch.text,
    })
    const copied = answers[plan.before.length + 1]?.tag
    if (copied !== `COPY ${batch.count}`) throw new Error(`a batch of ${batch.count} lines was answered with ${copied}`)
    refuseRollback(answers.at(-1)?.tag)
    const changed = findChangedKey === undefined ? undefined : answers[before.length - 1]?.rows[0]
    if (changed !== undefined) throw this.#changedKey(changed)
    const lines = answers.slice(before.length, -1).map(({ rows }) => rows.map(([line]) => Number(line)))
    if (lines.every(({ length }) => length === 0)) return this.#allDone(batch.count)
    const outcomes = new Array<Outcome>(batch.count).fill(DONE)
    plan.judge(lines, outcomes)
    return outcomes
  }

  /** The same array for batches of the same size: nobody changes it, and so large a one outlives small collections. */
  #allDone(count: number): readonly Outcome[] {
    if (this.#done.length !== count) this.#done = new Array<Outcome>(count).fill(DONE)
    return this.#done
  }

  /** Whether the lines went into the table as they are. If not, nothing was changed, and the connection is in order. */
  async #copyToTable(
    { client }: Connection,
    { copyToTable }: WritePlan,
    batch: ChangeBatch,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (copyToTable === undefined) return false
    const options = { signal, idleTimeoutMs: this.#options.idleTimeoutMs }
    try {
      const answers = await exchange(client, [BEGIN, copyToTable], { ...options, copy: batch.text })
      if (answers[1]?.tag === `COPY ${batch.count}`) {
        refuseRollback((await exchange(client, ['COMMIT'], options))[0]?.tag)
        return true
      }
      this.#optimistic = false
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || endsConnection(error) || mayTryAgain(error)) throw error
      // A value that does not fit says nothing about the next batch.
      if (error.code === '23505' || !/^2[23]/.test(error.code ?? '')) this.#optimistic = false
    }
    await exchange(client, ['ROLLBACK'], options)
    return false
  }

  /** An idle connection that the server has not closed meanwhile. */
  #take(): Connection | undefined {
    let connection = this.#idle.pop()
    while (connection?.client.connection.stream.destroyed) connection = this.#idle.pop()
    return connection
  }

  async #ensureStage({ client, stages }: Connection, plan: WritePlan, signal: AbortSignal): Promise<void> {
    if (stages.has(plan.stageColumns)) return
    const create = `CREATE TEMPORARY TABLE ${this.#stage(plan.stageColumns)} (${plan.stageColumns}) ON COMMIT DELETE ROWS`
    await exchange(client, [create], { signal, idleTimeoutMs: this.#options.idleTimeoutMs })
    stages.add(plan.stageColumns)
  }

  #stage(columns: string): string {
    let name = this.#stages.get(columns)
    if (name === undefined) {
      name = `pg_temp.rowferry_stage_${this.#stages.size + 1}`
      this.#stages.set(columns, name)
    }
    return name
  }

  #plan(operation: Operation, fields: readonly Field[]): WritePlan {
    let plans = this.#plans.get(fields)
    if (plans === undefined) {
      plans = new Map()
      this.#plans.set(fields, plans)
    }
    let plan = plans.get(operation)
    if (plan === undefined) {
      const { table, object } = this.#options
      plan = planWrite({
        table,
        operation,
        fields: fields.map((field) => ({ field, column: this.#column(field.name) })),
        matchCount: object.match.length,
        deletes: SYNC_MODES[object.mode].delete,
        stage: (columns) => this.#stage(columns),
      })
      plans.set(operation, plan)
    }
    return plan
  }

  #column(name: string) {
    const { table, object } = this.#options
    const column = findColumn(table, name)
    if (column !== undefined) return column
    const names = table.columns.map((known) => known.name)
    throw configurationError(
      'unknown_field',
      `the table ${object.name} has no column "${name}"${suggestion(name, names)}: correct fields, or add the column`,
    )
  }

  /** Opens a connection. A server that is away for a moment is not the user's business. */
  async #open(signal: AbortSignal): Promise<Connection> {
    const opening = this.#options.connect()
    let onAbort = () => {}
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
    })
    try {
      return { client: await Promise.race([opening, aborted]), stages: new Set(), numbers: new LineNumbers() }
    } catch (error) {
      opening.then(
        (client) => client.connection.stream.destroy(),
        () => {},
      )
      if (error instanceof FatalError && /^(connection_failed|too_many_connections)$/.test(error.code)) {
        throw new RetryableError(error.message, { cause: error })
      }
      throw writeError(error, this.#options.context, [])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Whether the connection is in order again. */
  async #rollback({ client }: Connection, signal: AbortSignal): Promise<boolean> {
    try {
      await exchange(client, ['ROLLBACK'], { signal, idleTimeoutMs: this.#options.idleTimeoutMs })
      return true
    } catch {
      // The caller has the error that matters, and closes the connection.
      return false
    }
  }

  #changedKey(texts: readonly (string | null)[]): FatalError {
    const at = texts.findIndex((text, index) => index % 2 === 0 && text !== texts[index + 1])
    const name = this.#options.object.match[at / 2]
    return new FatalError(
      'key_changes_in_table',
      `the model's "${texts[at]}" becomes "${texts[at + 1]}" in column "${name}" of ${this.#options.object.name}, so the ` +
        'record would be taken for one that the model lacks, and deleted: write the key in the model as the table prints it',
    )
  }
}

/** A transaction that failed answers a COMMIT with ROLLBACK, and no error. */
function refuseRollback(tag: string | undefined): void {
  if (tag !== 'COMMIT') throw new RetryableError(`the server answered COMMIT with ${tag}`)
}
