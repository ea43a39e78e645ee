import assert from 'node:assert/strict'
import { httpDestination } from '../../src/connectors/http-destination.ts'
import type { Field, Operation } from '../../src/core/change.ts'
import type { ValueKind } from '../../src/core/column.ts'
import type { Destination, DestinationContext } from '../../src/core/destination.ts'
import { FatalError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { SyncMode } from '../../src/core/sync-mode.ts'
import { batchOf, type ContractRecord, encodingOf, TYPE_OF } from '../../src/testing/contract-record.ts'
import { type TestContext, testContext } from '../../src/testing/test-context.ts'

export interface OpenedHttp extends AsyncDisposable {
  readonly destination: Destination
  readonly context: TestContext
  readonly fields: readonly Field[]
  write(
    operation: Operation,
    rows: readonly ContractRecord[],
    ids?: readonly (string | undefined)[],
  ): Promise<readonly Outcome[]>
}

export interface HttpRequested {
  readonly mode?: SyncMode
  readonly match?: readonly string[]
  /** Default: id, an integer, and name, a text. */
  readonly fields?: Readonly<Record<string, ValueKind>>
  readonly rules?: Readonly<Record<string, Partial<Field>>>
  readonly object?: string
  readonly context?: Partial<DestinationContext>
}

/** Opens an object of an HTTP connection, whose options are as a user writes them; private hosts are allowed. */
export async function openHttp(
  options: Readonly<Record<string, unknown>>,
  requested: HttpRequested = {},
): Promise<OpenedHttp> {
  const { mode = 'upsert', match = ['id'], object = 'people', rules = {} } = requested
  const read = httpDestination.options.parse({ allow_private_hosts: true, ...options })
  const fields = Object.entries(requested.fields ?? { id: 'integer' as const, name: 'text' as const }).map(
    ([name, kind]): Field => ({ name, kind, type: TYPE_OF[kind], nulls: 'write', on: 'always', ...rules[name] }),
  )
  const context = testContext(requested.context)
  const destination = await httpDestination.open(
    read,
    {
      name: object,
      mode,
      fields,
      match,
      keyEncodings: fields.slice(0, match.length).map(({ kind }) => encodingOf(kind)),
      create: false,
      deletesAs: 'delete',
    },
    context,
  )
  return {
    destination,
    context,
    fields,
    write(operation, rows, ids) {
      const sent = operation === 'delete' ? fields.slice(0, match.length) : fields
      const batch = batchOf(operation, sent, rows)
      return destination.write(ids === undefined ? batch : { ...batch, ids }, new AbortController().signal)
    },
    [Symbol.asyncDispose]: () => destination[Symbol.asyncDispose](),
  }
}

/** Every message of what is wrong with options, behind its path. */
export function problemsOf(options: Readonly<Record<string, unknown>>): string[] {
  const read = httpDestination.options.safeParse(options)
  return (read.error?.issues ?? []).map((issue) => {
    const inner = issue.code === 'invalid_union' ? issue.errors.flat().map(({ message }) => message) : []
    return `${issue.path.join('.')}: ${[issue.message, ...inner].join('; ')}`
  })
}

/** For assert.rejects: a FatalError of that code whose message fits. */
export function fatal(code: string, message = /./): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof FatalError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    return true
  }
}

export function statuses(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => ('code' in outcome ? `${outcome.status} ${outcome.code}` : outcome.status))
}
