import type { Report, RowIssue, RunStatus } from '../core/report.ts'
import { type Scrubber, scrubber } from '../core/scrubber.ts'
import type { SqliteDatabase, SqliteStatement } from '../core/sqlite-driver.ts'
import type { SyncMode } from '../core/sync-mode.ts'
import { historyError, openHistoryFile } from './run-history-file.ts'
import { historyPath } from './state-folder.ts'

/** A run as it begins. Start it while the lock of its sync is held: what still counts as running then was killed. */
export interface RunStart {
  readonly runId: string
  readonly sync: string
  readonly mode: SyncMode
  readonly dryRun: boolean
  /** ISO 8601, UTC. */
  readonly startedAt: string
  /** What tells one configuration of the sync from another, if the caller has it. */
  readonly configDigest?: string
}

export interface RunRecord {
  readonly runId: string
  readonly sync: string
  readonly mode: SyncMode
  readonly dryRun: boolean
  readonly startedAt: string
  readonly configDigest: string | null
  /** `running` until the run reports, or until the next run of the sync finds that it never will. */
  readonly status: RunStatus | 'running'
  /** Ended without a report (kill -9, power loss): `failed`, and this. */
  readonly killed: boolean
  readonly report: Report | null
  /** Issues of the run that are not, or no longer, stored. */
  readonly leftOut: Readonly<Record<RowIssue['kind'], number>>
}

export interface StoredIssue extends RowIssue {
  /** Bytes cut from key, message, payload and response together. */
  readonly bytesCut: number
}

/** What became of the runs of all syncs of a state folder. Every method but `Symbol.dispose` may throw FatalError. */
export interface RunHistory extends Disposable {
  start(run: RunStart): void
  /** Buffered: durable at the latest when the run finishes. At most {@link ISSUES_PER_KIND} of each kind are kept. */
  issue(runId: string, issue: RowIssue): void
  finish(report: Report): void
  /** Newest first. */
  list(filter: { readonly sync?: string; readonly limit: number }): RunRecord[]
  get(runId: string): RunRecord | undefined
  /** In the order they came. Read page by page: other calls may come in between. */
  issues(runId: string): Iterable<StoredIssue>
  /** The newest run of the sync that was not a dry run. */
  last(sync: string): RunRecord | undefined
}

export const ISSUES_PER_KIND = 10_000
export const RUNS_PER_SYNC = 1_000
/** Issues hold whole rows: the thousand runs that are kept would be a thousand copies of the same rejected rows. */
export const RUNS_WITH_ISSUES = 20
/** UTF-8 bytes kept of a payload, a response, a message or a key. */
export const TEXT_BYTES = 4096

const BUFFERED_ISSUES = 500

/**
 * Opens `history.sqlite` of a state folder, and makes both where they are missing. Throws FatalError. Values of
 * `secrets` are masked in all that is stored: a destination may repeat them in what it refuses.
 */
export async function openRunHistory(
  stateFolder: string,
  { secrets = [] }: { readonly secrets?: Iterable<string> } = {},
): Promise<RunHistory> {
  const path = historyPath(stateFolder)
  return new SqliteRunHistory(path, await openHistoryFile(path), scrubber(secrets))
}

interface OpenRun {
  readonly seq: number
  readonly buffer: StoredIssue[]
  readonly met: Record<RowIssue['kind'], number>
}

class SqliteRunHistory implements RunHistory {
  readonly #path: string
  readonly #database: SqliteDatabase
  readonly #scrubber: Scrubber
  readonly #insertIssue: SqliteStatement
  readonly #open = new Map<string, OpenRun>()

  constructor(path: string, database: SqliteDatabase, secrets: Scrubber) {
    this.#path = path
    this.#database = database
    this.#scrubber = secrets
    this.#insertIssue = database.prepare(
      `INSERT INTO issue (run, kind, operation, key, code, message, payload, response, bytes_cut)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
  }

  start(run: RunStart): void {
    const { sync } = run
    const seq = this.#write(() => {
      this.#database.prepare(`UPDATE run SET status = 'killed' WHERE sync = ? AND status = 'running'`).run(sync)
      const { lastInsertRowid } = this.#database
        .prepare(
          `INSERT INTO run (run_id, sync, mode, dry_run, started_at, config_digest, status)
           VALUES (?, ?, ?, ?, ?, ?, 'running')`,
        )
        .run(run.runId, sync, run.mode, run.dryRun ? 1 : 0, run.startedAt, run.configDigest ?? null)
      this.#forgetOld(run)
      return Number(lastInsertRowid)
    })
    this.#open.set(run.runId, { seq, buffer: [], met: { invalid: 0, rejected: 0 } })
  }

  issue(runId: string, issue: RowIssue): void {
    const run = this.#running(runId)
    run.met[issue.kind]++
    if (run.met[issue.kind] > ISSUES_PER_KIND) return
    run.buffer.push(shortened(issue, this.#scrubber.text))
    if (run.buffer.length < BUFFERED_ISSUES) return
    this.#write(() => this.#store(run))
    run.buffer.length = 0
  }

  finish(report: Report): void {
    const run = this.#running(report.run_id)
    this.#write(() => {
      this.#store(run)
      this.#database
        .prepare(`UPDATE run SET status = ?, report = ? WHERE seq = ?`)
        .run(report.status, JSON.stringify(this.#scrubber.value(report)), run.seq)
    })
    this.#open.delete(report.run_id)
  }

  list({ sync, limit }: { readonly sync?: string; readonly limit: number }): RunRecord[] {
    return sync === undefined
      ? this.#runs('ORDER BY seq DESC LIMIT ?', limit)
      : this.#runs('WHERE sync = ? ORDER BY seq DESC LIMIT ?', sync, limit)
  }

  get(runId: string): RunRecord | undefined {
    return this.#runs('WHERE run_id = ?', runId)[0]
  }

  last(sync: string): RunRecord | undefined {
    return this.#runs('WHERE sync = ? AND NOT dry_run ORDER BY seq DESC LIMIT 1', sync)[0]
  }

  *issues(runId: string): Iterable<StoredIssue> {
    const page = this.#database.prepare<[string, number, number], StoredIssue & { id: number }>(
      `SELECT id, kind, operation, key, code, message, payload, response, bytes_cut AS bytesCut
       FROM issue WHERE run = (SELECT seq FROM run WHERE run_id = ?) AND id > ? ORDER BY id LIMIT ?`,
    )
    for (let after = 0; ; ) {
      const rows = this.#read(() => page.all(runId, after, BUFFERED_ISSUES))
      for (const { id, ...issue } of rows) {
        after = id
        yield issue
      }
      if (rows.length < BUFFERED_ISSUES) return
    }
  }

  /** Keeps what is buffered of runs that never finished; without a report they count as killed. */
  [Symbol.dispose](): void {
    if (!this.#database.open) return
    try {
      this.#write(() => {
        for (const run of this.#open.values()) this.#store(run)
      })
    } finally {
      this.#open.clear()
      this.#database.close()
    }
  }

  #running(runId: string): OpenRun {
    const run = this.#open.get(runId)
    if (run === undefined) throw new Error(`run ${runId} was not started, or has finished`)
    return run
  }

  #store({ seq, buffer, met }: OpenRun): void {
    for (const issue of buffer) {
      const { kind, operation, key, code, message, payload, response, bytesCut } = issue
      this.#insertIssue.run(seq, kind, operation, key, code, message, payload, response, bytesCut)
    }
    this.#database
      .prepare(`UPDATE run SET invalid_left_out = ?, rejected_left_out = ? WHERE seq = ?`)
      .run(Math.max(0, met.invalid - ISSUES_PER_KIND), Math.max(0, met.rejected - ISSUES_PER_KIND), seq)
  }

  #forgetOld({ sync, dryRun }: RunStart): void {
    this.#database
      .prepare(
        `DELETE FROM run WHERE seq IN (SELECT seq FROM run WHERE sync = ? ORDER BY seq DESC LIMIT -1 OFFSET ${RUNS_PER_SYNC})`,
      )
      .run(sync)
    // By themselves, or a handful of dry runs would push out what the last real run met.
    const old = `SELECT seq FROM run WHERE sync = ? AND dry_run = ? ORDER BY seq DESC LIMIT -1 OFFSET ${RUNS_WITH_ISSUES}`
    const stored = (kind: RowIssue['kind']) =>
      `(SELECT count(*) FROM issue WHERE issue.run = run.seq AND kind = '${kind}')`
    const parameters = [sync, dryRun ? 1 : 0]
    this.#database
      .prepare(
        `UPDATE run SET invalid_left_out = invalid_left_out + ${stored('invalid')},
                        rejected_left_out = rejected_left_out + ${stored('rejected')}
         WHERE seq IN (${old}) AND EXISTS (SELECT 1 FROM issue WHERE issue.run = run.seq)`,
      )
      .run(parameters)
    this.#database.prepare(`DELETE FROM issue WHERE run IN (${old})`).run(parameters)
  }

  #runs(rest: string, ...parameters: (string | number)[]): RunRecord[] {
    return this.#read(() =>
      this.#database
        .prepare<unknown[], RunRow>(`SELECT * FROM run ${rest}`)
        .all(...parameters)
        .map(toRecord),
    )
  }

  #write<Result>(work: () => Result): Result {
    return this.#read(() => this.#database.transaction(work).immediate())
  }

  #read<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw historyError(error, this.#path)
    }
  }
}

interface RunRow {
  readonly run_id: string
  readonly sync: string
  readonly mode: SyncMode
  readonly dry_run: number
  readonly started_at: string
  readonly config_digest: string | null
  readonly status: RunStatus | 'running' | 'killed'
  readonly report: string | null
  readonly invalid_left_out: number
  readonly rejected_left_out: number
}

function toRecord(row: RunRow): RunRecord {
  return {
    runId: row.run_id,
    sync: row.sync,
    mode: row.mode,
    dryRun: row.dry_run === 1,
    startedAt: row.started_at,
    configDigest: row.config_digest,
    status: row.status === 'killed' ? 'failed' : row.status,
    killed: row.status === 'killed',
    report: row.report === null ? null : (JSON.parse(row.report) as Report),
    leftOut: { invalid: row.invalid_left_out, rejected: row.rejected_left_out },
  }
}

function shortened(issue: RowIssue, scrub: (text: string) => string): StoredIssue {
  let bytesCut = 0
  const cut = <Text extends string | null>(whole: Text): Text => {
    if (whole === null) return whole
    // Before it is cut: half a secret would not be found.
    const text = scrub(whole) as Text & string
    if (text.length * 3 <= TEXT_BYTES) return text
    const bytes = Buffer.from(text)
    if (bytes.length <= TEXT_BYTES) return text
    let end = TEXT_BYTES
    // Not within a character: bytes 10xxxxxx continue one.
    while (((bytes[end] as number) & 0xc0) === 0x80) end--
    bytesCut += bytes.length - end
    return bytes.toString('utf8', 0, end) as Text
  }
  const { kind, operation, code } = issue
  const [key, message] = [cut(issue.key), cut(issue.message)]
  const [payload, response] = [cut(issue.payload), cut(issue.response)]
  return { kind, operation, key, code, message, payload, response, bytesCut }
}
