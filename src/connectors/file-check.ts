import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ObjectRequest } from '../core/destination.ts'
import { configurationError, FatalError } from '../core/errors.ts'
import { CsvScanner } from './csv-scan.ts'
import type { FileForm } from './file-records.ts'
import { csvLine, withoutEscape } from './written-rows.ts'

/** Bytes in which the header of a CSV file has to end. */
const HEADER_BYTES = 1024 * 1024

/**
 * Looks at the file without changing it: there is a folder for it, it can be written, its header has the fields. Throws
 * FatalError `destination_mismatch` that names everything wrong; answers notes.
 */
export async function checkFile(form: FileForm, object: ObjectRequest): Promise<readonly string[]> {
  const { path } = form
  const folder = dirname(path)
  if (!existsSync(folder))
    throw configurationError('no_such_file', `there is no folder ${folder}: make it, or check the path`)
  const problems: string[] = []
  if (existsSync(path) && !statSync(path).isFile()) problems.push('it is no file, name one')
  else if (!isWritable(existsSync(path) ? path : folder)) problems.push('this user cannot write it')
  if (problems.length > 0) throw mismatch(path, problems)
  if (!existsSync(path) || statSync(path).size === 0) return [`${path} will be created`]
  const notes = (await endsInNewline(path))
    ? []
    : [`the last line of ${path} has no end: where it is not whole, it is moved aside first`]
  if (form.format === 'ndjson') return notes
  const header = (await readCsvHeader(form)) ?? []
  const names = object.fields.map(({ name }) => name)
  const missing = names.filter((name) => !header.includes(name))
  if (missing.length > 0) {
    const expected = csvLine(names).trimEnd()
    problems.push(`its header lacks ${missing.join(', ')} (name a new file, or let the header be ${expected})`)
  }
  if (problems.length > 0) throw mismatch(path, problems)
  const empty = header.filter((name) => !names.includes(name))
  return empty.length === 0 ? notes : [...notes, `columns of ${path} that stay empty: ${empty.join(', ')}`]
}

/** The names in the first line of a CSV file; undefined where it is empty. */
export async function readCsvHeader({ path, escapeFormulas }: FileForm): Promise<string[] | undefined> {
  const file = await open(path, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
    if (bytesRead === 0) return undefined
    const from = buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0
    const scanner = new CsvScanner(',', '"')
    const bytes = buffer.subarray(0, bytesRead)
    if (scanner.scan(bytes, from, bytesRead < HEADER_BYTES) < 0) {
      throw new FatalError('file_unreadable', `${path} does not begin with the header of a CSV file: name another file`)
    }
    const names = Array.from({ length: scanner.count }, (_, field) => scanner.text(bytes, field))
    return escapeFormulas ? names.map(withoutEscape) : names
  } finally {
    await file.close()
  }
}

async function endsInNewline(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
    return buffer[0] === 10
  } finally {
    await file.close()
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function mismatch(path: string, problems: readonly string[]): FatalError {
  return configurationError('destination_mismatch', `${path} cannot take the rows of this sync: ${problems.join('; ')}`)
}
