import { access, constants, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Report } from '../index.ts'
import { CliError, usageError } from './cli-error.ts'
import { EXIT } from './exit-code.ts'
import type { Output } from './output.ts'

/** Throws a usage error where the file could not be written: before a run of hours, not after it. */
export async function checkReportFile(file: string): Promise<void> {
  const folder = dirname(resolve(file))
  try {
    await access(folder, constants.W_OK)
  } catch {
    throw usageError(
      `cannot write ${file}: no folder ${folder} to write to`,
      'give --report a file in a folder that exists',
    )
  }
  const existing = await stat(file).catch(() => undefined)
  if (existing?.isDirectory()) throw usageError(`${file} is a folder`, 'give --report the name of a file')
}

/** Replaces the file as a whole: who reads it never sees half of it. */
export async function writeReports(file: string, reports: readonly Report[], output: Output): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await writeFile(temporary, `${JSON.stringify(output.scrub(reports), null, 2)}\n`)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw new CliError(EXIT.failed, `cannot write ${file} (${(error as Error).message}); what was synced stays so`)
  }
}
