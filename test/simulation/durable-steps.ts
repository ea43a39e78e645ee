import Sqlite, { type Database } from 'better-sqlite3'

/**
 * Where state becomes durable: each transaction of a file of the state folder, and the closing of the file. The product
 * runs as it is; better-sqlite3 below it tells when such a step is about to be taken, and when it was.
 */
export type StepName = 'commit' | 'lock' | 'close'

export interface StepObserver {
  /** Throws where the step is not to be taken. */
  before(step: StepName, database: Database): void
  /** Throws where the process is not to know that it was taken. */
  after(): void
  /** Called within a transaction, when all is done but its commit: what it throws rolls it back. */
  committing(): void
}

let observer: StepObserver | undefined

/** Until it is disposed of, `next` is told. One at a time. */
export function observeSteps(next: StepObserver): Disposable {
  if (observer !== undefined) throw new Error('the steps are observed already')
  observer = next
  return {
    [Symbol.dispose]() {
      observer = undefined
    },
  }
}

const { transaction, exec, close } = Sqlite.prototype

function isState(database: Database): boolean {
  return observer !== undefined && !database.memory && !database.inTransaction
}

function step<Result>(name: StepName, database: Database, work: () => Result): Result {
  if (!isState(database)) return work()
  observer?.before(name, database)
  const result = work()
  observer?.after()
  return result
}

Sqlite.prototype.transaction = function (this: Database, work: (...parameters: unknown[]) => unknown) {
  if (!isState(this)) return transaction.call(this, work)
  const whole = transaction.call(this, (...parameters: unknown[]) => {
    const result = work(...parameters)
    observer?.committing()
    return result
  })
  const immediate = (...parameters: unknown[]) => step('commit', this, () => whole.immediate(...parameters))
  return Object.assign((...parameters: unknown[]) => step('commit', this, () => whole(...parameters)), { immediate })
} as typeof transaction

Sqlite.prototype.exec = function (this: Database, sql: string) {
  return sql.startsWith('BEGIN') && sql.endsWith('COMMIT')
    ? step('lock', this, () => exec.call(this, sql))
    : exec.call(this, sql)
}

/** A process that dies closes its files all the same; what that writes is not kept. */
Sqlite.prototype.close = function (this: Database) {
  if (!this.open || !isState(this)) return close.call(this)
  let failure: { error: unknown } | undefined
  try {
    observer?.before('close', this)
  } catch (error) {
    failure = { error }
  }
  close.call(this)
  if (failure !== undefined) throw failure.error
  observer?.after()
  return this
}
