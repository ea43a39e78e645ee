import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileDestination } from '../../src/connectors/file-destination.ts'
import type { Field } from '../../src/core/change.ts'
import { decodeRow } from '../../src/core/copy-text.ts'
import type { Destination, ObjectRequest } from '../../src/core/destination.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { field } from './batch-field.ts'
import { temporaryFolder } from './temporary-folder.ts'

export const ID_AND_NAME = [field('id', 'integer'), field('name')]

/** A file that rows are appended to, and the means to look at it. */
export interface FileTarget extends Disposable {
  readonly folder: string
  readonly path: string
  readonly partial: string
  /** Opened, checked and prepared. */
  open(
    fields?: readonly Field[],
    overrides?: Partial<ObjectRequest> & { readonly options?: object },
  ): Promise<Destination>
  /** Opens it, inserts rows and closes it. Answers the status of each. */
  insert(...rows: readonly (readonly (string | null)[])[]): Promise<string[]>
  text(): string
  put(text: string): void
}

export function fileTarget(name: string, given = ''): FileTarget {
  const folder = temporaryFolder()
  const path = folder.file(name)
  if (given !== '') writeFileSync(path, given)
  const target: FileTarget = {
    folder: folder.path,
    path,
    partial: `${path}.partial`,
    async open(fields = ID_AND_NAME, { options, ...overrides } = {}) {
      const destination = await fileDestination.open(
        fileDestination.options.parse({ path, ...options }),
        {
          name: 'rows',
          mode: 'insert-only',
          fields,
          match: ['id'],
          keyEncodings: ['integer'],
          create: false,
          deletesAs: 'delete',
          ...overrides,
        },
        testContext(),
      )
      await destination.check()
      await destination.prepare()
      return destination
    },
    async insert(...rows) {
      await using destination = await target.open()
      return await insertInto(destination, rows)
    },
    text: () => (existsSync(path) ? readFileSync(path, 'utf8') : ''),
    put: (text) => writeFileSync(path, text),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
  return target
}

export async function insertInto(
  destination: Destination,
  rows: readonly (readonly (string | null)[])[],
  fields: readonly Field[] = ID_AND_NAME,
): Promise<string[]> {
  const outcomes = await destination.write(changeBatch('insert', fields, rows), new AbortController().signal)
  return outcomes.map(({ status }) => status)
}

/** The keys that a destination lists. */
export async function listedKeys(destination: Destination): Promise<string[]> {
  const keys: string[] = []
  for await (const { bytes, offsets, count } of destination.list?.(new AbortController().signal).rows ?? []) {
    for (let row = 0; row < count; row++) {
      keys.push(decodeRow(bytes, offsets[row] as number, offsets[row + 1] as number).join('/'))
    }
  }
  return keys
}
