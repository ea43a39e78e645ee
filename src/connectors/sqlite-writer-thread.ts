import { Worker } from 'node:worker_threads'
import type { ChangeBatch, Field } from '../core/change.ts'
import { FatalError, messageOf } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import type { WrittenTable } from './sqlite-connection.ts'
import { type Answer, retold, type ThreadMessage, unpackOutcomes } from './sqlite-thread-messages.ts'

/**
 * What the thread runs: compiled, and a file of its own in the bundled command line, too. Sources have none, because a
 * thread does not take over what makes TypeScript run in a process.
 */
export const THREAD_ENTRY: URL = new URL('./sqlite-thread-entry.js', import.meta.url)

/** The values of a batch live for its duration: a small young generation holds them, and V8 would let it grow to 48 MiB. */
const LIMITS = { maxYoungGenerationSizeMb: 4 }

const SMALLEST_BUFFER = 64 * 1024

interface Waiting {
  readonly count: number
  resolve(outcomes: Outcome[]): void
  reject(error: Error): void
  settle(): void
}

/**
 * Writes batches of a table in a thread of its own, with a connection of its own, in the order in which they are given.
 * Batches and their answers are queued, so that the thread has the next one when it is done with the last. A thread that
 * ends before its time fails what it has not answered, and all that comes after. It keeps the process alive only
 * while it has something to write.
 */
export class WriterThread implements AsyncDisposable {
  readonly #path: string
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  readonly #free: ArrayBuffer[] = []
  readonly #exited: Promise<void>
  #fields: readonly Field[] | undefined
  #failure: FatalError | undefined
  #stopped = false

  constructor(table: WrittenTable, entry: URL) {
    this.#path = table.path
    // Options of the process may not suit a thread (`--input-type`, and whatever is imported first).
    const options = { workerData: table, execArgv: [], resourceLimits: LIMITS, name: 'sqlite writer' }
    this.#worker = new Worker(entry, options)
    this.#worker.unref()
    this.#worker.on('message', (answer: Answer) => this.#answer(answer))
    this.#worker.on('messageerror', (error) => this.#fail(messageOf(error)))
    this.#worker.on('error', (error) => this.#fail(messageOf(error)))
    this.#exited = new Promise((resolve) =>
      this.#worker.once('exit', (code) => {
        this.#fail(`exit code ${code}`)
        resolve()
      }),
    )
  }

  /** Rejects as soon as the signal aborts; what becomes of the batch is not known then. */
  write({ operation, fields, count, text }: ChangeBatch, signal: AbortSignal): Promise<Outcome[]> {
    return new Promise<Outcome[]>((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure
      const buffer = this.#buffer(text.length)
      text.copy(new Uint8Array(buffer))
      const named = fields === this.#fields ? null : fields
      this.#post({ operation, fields: named, count, buffer, bytes: text.length }, [buffer])
      this.#fields = fields
      const stop = () => {
        this.#stopped = true
        reject(signal.reason)
      }
      signal.addEventListener('abort', stop)
      const settle = () => signal.removeEventListener('abort', stop)
      if (this.#waiting.push({ count, resolve, reject, settle }) === 1) this.#worker.ref()
    })
  }

  /** Waits for what is being written, unless somebody stopped that, and for the thread to close its connection and end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.ref()
    // Without a batch there is no connection, and a thread that is still starting need not finish that.
    if (this.#fields === undefined || this.#stopped) await this.#worker.terminate()
    else if (this.#failure === undefined) this.#post('close')
    await this.#exited
  }

  #post(message: ThreadMessage, moved: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, moved)
  }

  #answer({ buffer, outcomes, error }: Answer): void {
    this.#free.push(buffer)
    const waiting = this.#waiting.shift()
    if (this.#waiting.length === 0) this.#worker.unref()
    waiting?.settle()
    if (outcomes !== undefined) waiting?.resolve(unpackOutcomes(outcomes, waiting.count))
    else if (error !== undefined) waiting?.reject(retold(error))
  }

  #fail(reason: string): void {
    this.#failure ??= new FatalError(
      'sqlite_writer_ended',
      `the thread that writes ${this.#path} ended before its time (${reason}): run again`,
    )
    for (const { reject, settle } of this.#waiting.splice(0)) {
      settle()
      reject(this.#failure)
    }
    void this.#worker.terminate()
  }

  #buffer(bytes: number): ArrayBuffer {
    const buffer = this.#free.pop()
    if (buffer !== undefined && buffer.byteLength >= bytes) return buffer
    return new ArrayBuffer(Math.max(SMALLEST_BUFFER, bytes + (bytes >>> 2)))
  }
}
