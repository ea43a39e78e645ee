import type { ChangeBatch } from '../core/change.ts'
import { type Destination, defineDestination, type KeyList, type ObjectRequest } from '../core/destination.ts'
import { configurationError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import { AppendedFile } from './appended-file.ts'
import { checkFile } from './file-check.ts'
import { listFile } from './file-key-list.ts'
import { type FileOptions, fileOptions, filePath, formatOf, locatedFile } from './file-options.ts'
import type { FileForm } from './file-records.ts'

/**
 * A CSV or NDJSON file that new rows are appended to. It holds one object, whatever that is called. Records that are
 * there are found by reading the file once a run, and are left alone: what was appended by a run that was killed is not
 * appended again.
 */
export const fileDestination = defineDestination<FileOptions>({
  type: 'file',
  schemes: ['file'],
  options: fileOptions,
  object: () => ({
    syncModes: ['insert-only'],
    limits: { rows: 10_000, bytes: 8 * 1024 * 1024, inFlight: 1 },
    shared: false,
    lists: 'cheap',
    match: 'any',
    deletesAs: [],
    creates: true,
  }),
  locate: locatedFile,
  identity: (options) => `file:${filePath(options)}`,
  async open(options, object) {
    const format = formatOf(options) as FileForm['format']
    return new FileDestination({ path: filePath(options), format, escapeFormulas: options.escape_formulas }, object)
  },
})

class FileDestination implements Destination {
  readonly #form: FileForm
  readonly #object: ObjectRequest
  readonly #file: AppendedFile

  constructor(form: FileForm, object: ObjectRequest) {
    this.#form = form
    this.#object = object
    this.#file = new AppendedFile(form, object)
  }

  async check(): Promise<readonly string[]> {
    return checkFile(this.#form, this.#object)
  }

  async prepare(): Promise<'created' | undefined> {
    return (await this.#file.prepare()) ? 'created' : undefined
  }

  async write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]> {
    signal.throwIfAborted()
    if (batch.operation !== 'insert') {
      throw configurationError('unsupported_mode', `${this.#form.path} can only be appended to: use mode insert-only`)
    }
    return this.#file.append(batch)
  }

  list(signal: AbortSignal): KeyList {
    return listFile(this.#file, this.#object.keyEncodings, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]()
  }
}
