import { existsSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ChangeBatch, Field } from '../core/change.ts'
import { encodeRow } from '../core/copy-text.ts'
import type { ObjectRequest } from '../core/destination.ts'
import { FatalError, messageOf } from '../core/errors.ts'
import { KeyEncoder, keySpace } from '../core/key.ts'
import { KEY_MISSING } from '../core/key-parts.ts'
import { DONE, EXISTS, type Outcome } from '../core/outcome.ts'
import { readCsvHeader } from './file-check.ts'
import { type FileForm, scanFile } from './file-records.ts'
import { KnownKeys } from './known-keys.ts'
import { csvLine, formulaCells, jsonMembers } from './written-rows.ts'

/** Where the half of a line goes that a crash has left at the end of a file. */
export function fragmentsPath(path: string): string {
  return `${path}.partial`
}

/** A record as the line that is appended, in the columns of the file. */
type LineOf = (values: (string | null)[]) => string

/**
 * A file that grows by whole lines. A batch is on the disk before it is answered. What a killed process or a power cut
 * left half written behind the last whole line is moved to a file of its own before anything is appended.
 */
export class AppendedFile implements AsyncDisposable {
  readonly path: string
  readonly #form: FileForm
  readonly #object: ObjectRequest
  readonly #encoder: KeyEncoder
  #handle: FileHandle | undefined
  #keys: Promise<KnownKeys> | undefined
  #line: LineOf | undefined

  constructor(form: FileForm, object: ObjectRequest) {
    this.path = form.path
    this.#form = form
    this.#object = object
    this.#encoder = new KeyEncoder(object.keyEncodings.map((encoding, field) => ({ field, encoding })))
  }

  /** The encoded keys of the file's records. Read once. */
  keys(signal?: AbortSignal): Promise<KnownKeys> {
    this.#keys ??= this.#readKeys(signal).then(({ keys }) => keys)
    return this.#keys
  }

  /** Makes the file where it is not there, and mends its end. Answers whether it had to be made. */
  async prepare(): Promise<boolean> {
    const isNew = !existsSync(this.path)
    this.#handle = await this.#explained(() => open(this.path, 'a+'))
    if ((await this.#handle.stat()).size === 0) {
      await this.#append(this.#header())
      if (isNew) await syncFolder(dirname(this.path))
      return true
    }
    const { keys, end } = await this.#readKeys()
    this.#keys = Promise.resolve(keys)
    if (end.lacksNewline) await this.#append('\n')
    else if (end.whole < end.size) await this.#moveFragment(this.#handle, end.whole, end.size)
    if (end.whole > 0) return false
    await this.#append(this.#header())
    return true
  }

  /** Appends what is not there yet: one outcome per change. */
  async append(batch: ChangeBatch): Promise<readonly Outcome[]> {
    const keys = await this.keys()
    this.#line ??= await this.#lineOf(batch.fields)
    const outcomes: Outcome[] = []
    let text = ''
    for (let index = 0; index < batch.count; index++) {
      const values = batch.values(index)
      const key = this.#encode(values)
      if (key === undefined) outcomes.push(unusableKey(this.#object.match))
      else if (!keys.add(key)) outcomes.push(EXISTS)
      else {
        text += this.#line(values)
        outcomes.push(DONE)
      }
    }
    if (text !== '') await this.#append(text)
    return outcomes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const keys = await this.#keys?.catch(() => undefined)
    keys?.[Symbol.dispose]()
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #readKeys(signal?: AbortSignal) {
    const keys = await KnownKeys.open()
    try {
      const visit = (values: (string | null)[]) => {
        const key = this.#encode(values)
        if (key !== undefined) keys.add(key)
      }
      const nothing = { size: 0, whole: 0, lacksNewline: false }
      const end = existsSync(this.path)
        ? await this.#explained(() => scanFile(this.#form, this.#object.match, visit, signal))
        : nothing
      return { keys, end }
    } catch (error) {
      keys[Symbol.dispose]()
      throw error
    }
  }

  /** The key of a record whose first values are those of its match; undefined where it has none. */
  #encode(values: readonly (string | null)[]): Buffer | undefined {
    const line = Buffer.from(encodeRow(values.slice(0, this.#object.match.length)))
    const out = Buffer.allocUnsafe(keySpace(line.length))
    const end = this.#encoder.encode(line, 0, line.length, out, 0)
    if (end < 0 && end !== KEY_MISSING) throw this.#unmatchable(values)
    return end < 0 ? undefined : out.subarray(0, end)
  }

  async #lineOf(fields: readonly Field[]): Promise<LineOf> {
    if (this.#form.format === 'ndjson') return (values) => `{${jsonMembers(fields, values)}}\n`
    const header = (await readCsvHeader(this.#form)) ?? fields.map(({ name }) => name)
    const places = header.map((name) => fields.findIndex((field) => field.name === name))
    const escapes = this.#form.escapeFormulas ? formulaCells(fields) : []
    const cells = places.map((place) => escapes[place] === true)
    return (values) =>
      csvLine(
        places.map((place) => values[place] ?? null),
        cells,
      )
  }

  #header(): string {
    if (this.#form.format === 'ndjson') return ''
    const names = this.#object.fields.map(({ name }) => name)
    return csvLine(names, this.#form.escapeFormulas ? names.map(() => true) : [])
  }

  /** All of it, on the disk; or, where that fails, none of it. */
  async #append(text: string): Promise<void> {
    const handle = this.#handle
    if (handle === undefined) throw new Error('a file is prepared before it is written')
    await this.#explained(async () => {
      const { size } = await handle.stat()
      try {
        await handle.appendFile(text)
        await handle.datasync()
      } catch (error) {
        await handle.truncate(size)
        throw error
      }
    })
  }

  async #moveFragment(handle: FileHandle, whole: number, size: number): Promise<void> {
    await this.#explained(async () => {
      const fragment = Buffer.alloc(size - whole)
      await handle.read(fragment, 0, fragment.length, whole)
      const aside = await open(fragmentsPath(this.path), 'a', 0o600)
      try {
        await aside.appendFile(Buffer.concat([fragment, Buffer.from('\n')]))
        await aside.datasync()
      } finally {
        await aside.close()
      }
      await handle.truncate(whole)
      await handle.datasync()
    })
  }

  async #explained<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException
      if (syscall === undefined) throw error
      const advice = code === 'ENOSPC' || code === 'EDQUOT' ? 'free some space' : 'check the path and its permissions'
      const message = `${this.path} cannot be read or written (${messageOf(error)}): ${advice}`
      throw new FatalError('file_not_writable', message, { cause: error })
    }
  }

  #unmatchable(values: readonly (string | null)[]): FatalError {
    const key = JSON.stringify(values.slice(0, this.#object.match.length).join(' / '))
    return new FatalError(
      'unmatchable_key',
      `${this.path} holds a record with key ${key}, which is no value of the model's key type ` +
        `(${this.#object.keyEncodings.join(', ')}): mend the record, or cast the key to text in the model`,
    )
  }
}

function unusableKey(match: readonly string[]): Outcome {
  const message = `${match.join(', ')} is null, but finds the record: map it to a column that is never null`
  return { status: 'rejected', code: 'missing_match', message }
}

/** A new file survives a power cut only once its folder is on the disk, too. Windows has no such thing, and no need. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
