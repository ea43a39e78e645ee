import { existsSync } from 'node:fs'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import { CliError, usageError } from './cli-error.ts'
import { EXIT } from './exit-code.ts'
import type { InitPlan } from './init-file.ts'

const NAMES = ['rowferry.yaml', 'rowferry.yml']

export interface WrittenFiles {
  /** Names of the files that were written or added to. */
  readonly files: readonly string[]
  /** What was done, for people. */
  readonly notes: readonly string[]
}

/** Writes the files of a plan into a folder. Throws a usage error where there is a configuration already. */
export async function writeFiles({ yaml, secrets }: InitPlan, folder: string): Promise<WrittenFiles> {
  const existing = NAMES.find((name) => existsSync(join(folder, name)))
  if (existing !== undefined) throw exists(existing)
  const files = ['rowferry.yaml']
  const notes: string[] = ['wrote rowferry.yaml']
  const ignored = ['.rowferry/']
  try {
    await refuseTaken(folder, secrets)
    await writeFile(join(folder, 'rowferry.yaml'), yaml, { flag: 'wx' })
    const names = Object.keys(secrets)
    if (names.length > 0) {
      await addSecrets(join(folder, '.env'), secrets)
      files.push('.env')
      ignored.push('.env')
      notes.push(`added ${names.join(' and ')} to .env, because a password is in it; keep that file to yourself`)
    }
    if (isInRepository(folder)) {
      const added = await addLines(join(folder, '.gitignore'), ignored)
      if (added.length > 0) {
        files.push('.gitignore')
        notes.push(`added ${added.join(' and ')} to .gitignore`)
      }
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof CliError) throw error
    if (code === 'EEXIST') throw exists('rowferry.yaml')
    throw new CliError(EXIT.failed, `cannot write in ${folder} (${message})`, 'give this user write access to it')
  }
  return { files, notes }
}

function exists(name: string) {
  return usageError(`there is a ${name} already`, 'edit it, or begin in another folder with --chdir')
}

/** The same name with another value would be read in place of what was asked for. */
async function refuseTaken(folder: string, secrets: InitPlan['secrets']): Promise<void> {
  const path = join(folder, '.env')
  const present = existsSync(path) ? parseEnv(await readFile(path, 'utf8')) : {}
  for (const [name, value] of Object.entries(secrets)) {
    if (present[name] === undefined || present[name] === value) continue
    throw usageError(`.env has another ${name} already`, `remove it there, or give '\${${name}}' in place of the URL`)
  }
}

async function addSecrets(path: string, secrets: InitPlan['secrets']): Promise<void> {
  const present = existsSync(path) ? await readFile(path, 'utf8') : ''
  const known = parseEnv(present)
  const lines = Object.entries(secrets)
    .filter(([name]) => known[name] === undefined)
    .map(([name, value]) => `${name}='${value.replaceAll("'", '%27')}'\n`)
  const separator = present === '' || present.endsWith('\n') ? '' : '\n'
  if (lines.length > 0) await appendFile(path, separator + lines.join(''), { mode: 0o600 })
}

function isInRepository(folder: string): boolean {
  if (existsSync(join(folder, '.git'))) return true
  return folder !== dirname(folder) && isInRepository(dirname(folder))
}

/** Adds the lines that a file lacks; answers which. A folder counts with and without its slash. */
async function addLines(path: string, lines: readonly string[]): Promise<string[]> {
  const present = existsSync(path) ? await readFile(path, 'utf8') : ''
  const known = new Set(present.split(/\r?\n/).map((line) => line.trim().replace(/^\//, '').replace(/\/$/, '')))
  const added = lines.filter((line) => !known.has(line.replace(/\/$/, '')))
  const separator = present === '' || present.endsWith('\n') ? '' : '\n'
  if (added.length > 0) await appendFile(path, `${separator}${added.join('\n')}\n`)
  return added
}
