/** A request as it arrived, and how it was answered. */
export interface JournalRequest {
  /** Numbers requests and writes alike, in the order in which they happened. */
  readonly n: number
  readonly method: string
  /** With its query. */
  readonly path: string
  /** When it arrived: milliseconds since 1970 on the simulator's clock. */
  readonly time: number
  /** Null while it is under way; 0 where no status was sent (a reset, a client that went away). */
  status: number | null
  /** The fault that it met, as `reset:after`. */
  fault?: string
}

/** A committed change of one record. */
export interface JournalWrite {
  readonly n: number
  /** The `n` of the request that did it; null for the side door. */
  readonly request: number | null
  readonly time: number
  readonly object: string
  readonly id: string
  /** Say `created`, `updated`, `deleted`; a simulator may have more of them. */
  readonly change: string
  /** What was written, as the simulator stores it. */
  readonly values?: Readonly<Record<string, unknown>>
}

interface JournalPage {
  readonly writes: readonly JournalWrite[]
  readonly requests: readonly JournalRequest[]
  /** The `n` of the last entry of this page: ask `?after=` it for the next one. */
  readonly last: number
  /** How many entries were forgotten since the start. */
  readonly dropped: number
}

export interface SimulatorJournal {
  arrive(method: string, path: string, time: number): JournalRequest
  write(entry: Omit<JournalWrite, 'n'>): void
  page(after: number, limit: number): JournalPage
  readonly writes: number
  readonly requests: number
}

type Entry = JournalRequest | JournalWrite

/** Keeps the newest `capacity` entries at least, and twice as many at most. */
export function simulatorJournal(capacity: number): SimulatorJournal {
  let entries: Entry[] = []
  let last = 0
  let dropped = 0
  const counts = { writes: 0, requests: 0 }
  const add = <T extends Entry>(entry: T): T => {
    if (entries.length >= capacity * 2) {
      dropped += entries.length - capacity
      entries = entries.slice(-capacity)
    }
    entries.push(entry)
    return entry
  }
  return {
    arrive(method, path, time) {
      counts.requests++
      return add({ n: ++last, method, path, time, status: null })
    },
    write(entry) {
      counts.writes++
      add({ n: ++last, ...entry })
    },
    page(after, limit) {
      const start = Math.max(0, after - dropped)
      const page = entries.slice(start, start + limit)
      return {
        writes: page.filter((entry) => 'object' in entry),
        requests: page.filter((entry) => 'method' in entry),
        last: page.at(-1)?.n ?? Math.max(after, dropped),
        dropped,
      }
    },
    get writes() {
      return counts.writes
    },
    get requests() {
      return counts.requests
    },
  }
}
