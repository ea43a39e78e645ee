import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { didYouMean } from '../core/did-you-mean.ts'
import { messageOf } from '../core/errors.ts'

export type ModelFile =
  | { readonly sql: string }
  | { readonly problem: string; readonly suggestion?: string | undefined }

/**
 * Reads a query from a file that lies, after all links are followed, below the folder of the configuration: a
 * configuration that is run by a service must not be able to read what else the service can.
 */
export function readModelFile(file: string, baseDirectory: string): ModelFile {
  const outside = { problem: `the file has to be below the folder of the configuration; move it there` }
  const path = resolve(baseDirectory, file)
  // First by name alone: what lies outside is not even asked whether it exists.
  if (!isBelow(path, resolve(baseDirectory))) return outside
  try {
    const real = realpathSync(path)
    if (!isBelow(real, realpathSync(baseDirectory))) return outside
    if (!statSync(real).isFile()) return { problem: 'this is not a file; name a file with a query' }
    const sql = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(real))
    return sql.trim() === '' ? { problem: 'the file is empty; write the query into it' } : { sql }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { problem: 'the file is not UTF-8; save it as UTF-8' }
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      return { problem: `cannot be read; check the file: ${messageOf(error)}` }
    const name = didYouMean(basename(path), namesIn(dirname(path)))
    const problem = 'no such file; paths start from the folder of the configuration'
    return { problem, suggestion: name === undefined ? undefined : join(dirname(file), name).replaceAll(sep, '/') }
  }
}

function isBelow(path: string, directory: string): boolean {
  const steps = relative(directory, path)
  return steps !== '' && steps !== '..' && !steps.startsWith(`..${sep}`) && !isAbsolute(steps)
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    // No folder, no suggestion.
    return []
  }
}
