import {
  type ChangeBatch,
  DONE,
  defineDestination,
  EXISTS,
  FatalError,
  NOT_FOUND,
  type Outcome,
  type RequestGate,
  RetryableError,
  type RowBatch,
  rowBatchOf,
  UnansweredError,
} from 'rowferry'
import { z } from 'zod'

/**
 * A destination that a third party could have written, in one file: buckets of an HTTP key-value service. Used with
 * `sync(config, { destinations: [keyValueDestination] })` and a connection `{ type: key-value, url, token }`.
 */
export const keyValueDestination = defineDestination({
  type: 'key-value',
  schemes: [],
  options: z.object({ url: z.url(), token: z.string().min(1) }),
  object: () => ({
    syncModes: ['mirror', 'upsert', 'update-only', 'delete-only', 'insert-only'],
    limits: { rows: 100, bytes: 1_000_000, inFlight: 4 },
    shared: false,
    lists: 'paged',
    match: 'any',
    deletesAs: ['delete'],
    creates: false,
  }),
  identity: ({ url }) => `key-value:${url}`,
  // The service allows so many requests to all who use it together: every run of this process passes one gate.
  pacing: ({ url }) => ({ credential: url, rates: [{ requests: 500, perMs: 1_000 }] }),
  async open({ url, token }, { name, match }, { gate }) {
    const bucket = `${url}/buckets/${encodeURIComponent(name)}`
    const call = (path: string, signal: AbortSignal, body?: object) => request(gate, bucket + path, token, signal, body)
    return {
      async check() {
        await call('', AbortSignal.timeout(60_000))
        return []
      },
      async prepare() {},
      async write(batch, signal) {
        const changes = Array.from({ length: batch.count }, (_, id) => ({ id, ...changeAt(batch, id, match.length) }))
        const { results } = (await call('', signal, { changes })) as { results: Result[] }
        // By id, never by position: the service answers in an order of its own.
        const byId = new Map(results.map((result) => [result.id, result]))
        return changes.map(({ id }) => outcomeOf(byId.get(id)))
      },
      list: (signal) => ({ sorted: false, rows: keys(call, signal) }),
      async [Symbol.asyncDispose]() {},
    }
  },
})

interface Result {
  readonly id: number
  readonly status: 'ok' | 'missing' | 'conflict' | 'invalid'
  readonly code?: string
  readonly message?: string
}

/** A change in the words of the service. A field that has to stay as it is is left out. */
function changeAt(batch: ChangeBatch, index: number, match: number): object {
  const values = batch.values(index)
  const key = values.slice(0, match)
  if (batch.operation === 'delete') return { op: 'delete', key }
  const fields: Record<string, string | null> = {}
  const defaults: Record<string, string | null> = {}
  for (const [at, { name, nulls, on }] of batch.fields.entries()) {
    const value = values[at] ?? null
    if (at < match) continue
    if (on === 'insert' || (nulls === 'skip' && value === null)) defaults[name] = value
    else fields[name] = value
  }
  return { op: batch.operation, key, fields, defaults }
}

/** A change without an answer is never taken for done: after this error the next run sends the whole batch again. */
function outcomeOf(result: Result | undefined): Outcome {
  switch (result?.status) {
    case 'ok':
      return DONE
    case 'missing':
      return NOT_FOUND
    case 'conflict':
      return EXISTS
    case 'invalid':
      return { status: 'rejected', code: result.code ?? 'invalid', message: result.message ?? 'the service says no' }
    default:
      throw new FatalError('answer_missing', 'the service did not answer every change: report this to its maintainers')
  }
}

async function* keys(
  call: (path: string, signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): AsyncGenerator<RowBatch> {
  let rows = 0
  for (let after: string | null = ''; after !== null; ) {
    const page = (await call(`?after=${encodeURIComponent(after)}`, signal)) as Page
    rows += page.keys.length
    after = page.next
    if (after !== null) yield rowBatchOf(page.keys)
    else
      yield rowBatchOf(page.keys, {
        rows,
        proven: rows === page.count,
        evidence: `the service counts ${page.count} records`,
      })
  }
}

interface Page {
  readonly keys: (string | null)[][]
  readonly count: number
  readonly next: string | null
}

/** One request. What went wrong becomes an error that says who has to react: the engine, or the user. */
async function request(
  gate: RequestGate,
  url: string,
  token: string,
  signal: AbortSignal,
  body?: object,
): Promise<unknown> {
  const pass = await gate.enter(signal)
  let blockedMs = 0
  try {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    }).catch((cause: unknown) => {
      signal.throwIfAborted()
      throw new UnansweredError(`${url} does not answer`, { cause })
    })
    if (response.ok) return await response.json()
    const { error } = (await response.json()) as { error: string }
    blockedMs = Number(response.headers.get('retry-after') ?? 0) * 1000
    if (response.status === 429) throw new RetryableError(error, { retryAfterMs: blockedMs })
    if (response.status >= 500) throw new UnansweredError(error)
    if (response.status === 401) throw new FatalError('unauthorized', `${error}: create a new one, and set \`token\``)
    throw new FatalError('refused', `${error}: check the object of the sync`)
  } finally {
    // Whatever came of it: who never leaves would hold up all who share the gate.
    pass.leave({ blockedMs })
  }
}
