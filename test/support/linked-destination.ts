import assert from 'node:assert/strict'
import { z } from 'zod'
import type { ChangeBatch } from '../../src/core/change.ts'
import { type Destination, type DestinationDefinition, defineDestination } from '../../src/core/destination.ts'
import { EXISTS, NOT_FOUND, type Outcome } from '../../src/core/outcome.ts'
import { SYNC_MODE_NAMES } from '../../src/core/sync-mode.ts'
import { rowBatch } from './row-batches.ts'

export type Contact = Readonly<Record<string, string | null>>

/** A call of `write`, as the script of a test sees it. */
export interface LinkedWrite {
  readonly batch: ChangeBatch
  /** Carries out the changes `from .. to`, all where nothing is said, and answers their outcomes. */
  apply(from?: number, to?: number): Outcome[]
}

export interface LinkedOptions {
  /** The match fields; the identity of a record is theirs in lower case. */
  readonly match?: readonly string[]
  readonly lists?: 'paged' | 'never'
  readonly rows?: number
  readonly inFlight?: number
  readonly refuses?: (record: Contact) => string | undefined
  readonly script?: (write: LinkedWrite) => Promise<readonly Outcome[]>
  readonly onDelete?: (record: Contact) => void
}

/**
 * A destination over a map, as CRMs are: it knows records by ids of its own, finds them by an e-mail in lower case, and
 * never has two with the same. Checks that the engine does not ask for what cannot be.
 */
export interface LinkedDestination extends Destination {
  readonly records: Map<string, Contact>
  /** Further e-mails of a record, by which it is found, too. */
  readonly secondary: Map<string, string>
  /** `operation id-or-match,…` of each call. */
  readonly writes: string[]
  /** A record that somebody made by hand; its id. */
  add(record: Contact): string
  readonly definition: DestinationDefinition<{ url?: string | undefined }>
}

export function linkedDestination(options: LinkedOptions = {}): LinkedDestination {
  const { rows = 3, inFlight = 2 } = options
  let match = options.match ?? ['email']
  const records = new Map<string, Contact>()
  const secondary = new Map<string, string>()
  const writes: string[] = []
  let last = 0

  const identityOf = (record: Contact) => identity(match.map((name) => record[name] ?? null))
  const find = (wanted: string) => {
    for (const [id, record] of records) if (identityOf(record) === wanted) return id
    const id = secondary.get(wanted)
    return id !== undefined && records.has(id) ? id : undefined
  }

  const change = (operation: ChangeBatch['operation'], given: Contact, knownId: string | undefined): Outcome => {
    const byMatch = find(identityOf(given))
    const id = knownId ?? byMatch
    const existing = id === undefined ? undefined : records.get(id)
    if (operation === 'delete') {
      if (existing !== undefined) options.onDelete?.(existing)
      if (id !== undefined) records.delete(id)
      return { status: 'done' }
    }
    if (operation === 'update' && existing === undefined) return NOT_FOUND
    if (operation === 'insert' && existing !== undefined) return EXISTS
    const values = { ...existing, ...given }
    const code = options.refuses?.(values)
    if (code !== undefined) return { status: 'rejected', code, message: 'it is refused' }
    if (byMatch !== undefined && byMatch !== id) {
      return { status: 'rejected', code: 'conflict', message: `record ${byMatch} has this match` }
    }
    const target = id !== undefined && existing !== undefined ? id : String(++last)
    records.set(target, values)
    return { status: 'done', id: target, created: existing === undefined }
  }

  const write = async (batch: ChangeBatch): Promise<readonly Outcome[]> => {
    const changes = Array.from({ length: batch.count }, (_, index) => {
      const values = batch.values(index)
      const record = Object.fromEntries(batch.fields.map(({ name }, at) => [name, values[at] ?? null])) as Contact
      return { record, id: batch.ids?.[index] }
    })
    assert.ok(batch.count > 0 && batch.count <= rows, `a batch of ${batch.count} changes`)
    assert.equal(batch.ids?.length, batch.count, 'a batch without ids')
    const identities = changes.map(({ record }) => identityOf(record))
    assert.equal(new Set(identities).size, batch.count, `an identity is twice in a batch: ${identities.join()}`)
    const ids = changes.flatMap(({ id }) => id ?? [])
    assert.equal(new Set(ids).size, ids.length, `an id is twice in a batch: ${ids.join()}`)
    writes.push(`${batch.operation} ${changes.map(({ record, id }) => id ?? identityOf(record)).join()}`)
    const apply = (from = 0, to = batch.count) =>
      changes.slice(from, to).map(({ record, id }) => change(batch.operation, record, id))
    return options.script === undefined ? apply() : options.script({ batch, apply })
  }

  const list = () => {
    const values = [...records.values()].map((record) => match.map((name) => record[name] ?? null))
    const end = { rows: values.length, proven: true, evidence: 'the test says so' }
    return {
      sorted: false,
      rows: (async function* () {
        yield rowBatch(values, end)
      })(),
    }
  }

  const destination: LinkedDestination = {
    records,
    secondary,
    writes,
    add(record) {
      records.set(String(++last), record)
      return String(last)
    },
    check: async () => [],
    prepare: async () => {},
    write,
    identity,
    ...(options.lists === 'paged' ? { list } : {}),
    [Symbol.asyncDispose]: async () => {},
    definition: defineDestination({
      type: 'linked',
      schemes: ['linked'],
      options: z.object({ url: z.string().optional() }),
      object: () => ({
        syncModes: SYNC_MODE_NAMES,
        limits: { rows, bytes: 1_000_000, inFlight },
        shared: true,
        lists: options.lists ?? 'never',
        match: 'any',
        deletesAs: ['delete', 'archive'],
        creates: false,
        links: true,
      }),
      identity: () => 'linked:',
      async open(_options, request) {
        match = request.match
        return destination
      },
    }),
  }
  return destination
}

function identity(values: readonly (string | null)[]): string {
  return values.map((value) => String(value).toLowerCase()).join('\n')
}
