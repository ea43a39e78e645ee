import { fileDestination } from '../../src/connectors/file-destination.ts'
import { FatalError } from '../../src/core/errors.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { ID_AND_NAME } from './file-target.ts'

/** Appends a megabyte to a file, and says how that went: `node write-one-batch.js FILE`. For file systems without room. */
const destination = await fileDestination.open(
  fileDestination.options.parse({ path: process.argv[2] }),
  {
    name: 'rows',
    mode: 'insert-only',
    fields: ID_AND_NAME,
    match: ['id'],
    keyEncodings: ['integer'],
    create: false,
    deletesAs: 'delete',
  },
  testContext(),
)
await destination.prepare()
const rows = Array.from({ length: 1_000 }, (_, id) => [String(id + 1_000), 'x'.repeat(1_000)])
try {
  await destination.write(changeBatch('insert', ID_AND_NAME, rows), new AbortController().signal)
  process.stdout.write('written\n')
} catch (error) {
  process.stdout.write(error instanceof FatalError ? `${error.code}: ${error.message}\n` : `${String(error)}\n`)
}
