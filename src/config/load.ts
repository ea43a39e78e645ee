import { access, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { configurationError, messageOf } from '../core/errors.ts'
import type { Environment } from './environment.ts'
import { resolveDraft } from './resolve.ts'
import type { Config } from './resolved.ts'
import { readYaml } from './yaml-draft.ts'

const FILES = ['rowferry.yaml', 'rowferry.yml']

export interface LoadOptions {
  /** Folder that `file` and `envFile` start from, and where a file of the usual name is looked for. */
  readonly directory: string
  readonly file?: string
  /** Default: the environment of this process. It wins over what `.env` says. */
  readonly environment?: Environment
  /** In place of the `.env` beside the configuration, which may be missing. */
  readonly envFile?: string
}

/**
 * Reads rowferry.yaml, the `.env` beside it and the files of queries; checks and completes it. Throws
 * ConfigurationProblems with everything that is wrong in the file, and FatalError where there is none.
 */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  const { directory, environment = process.env } = options
  const file = options.file ?? (await findFile(directory))
  const path = resolve(directory, file)
  const text = decode(await read(path, 'configuration_unreadable', 'the configuration'), file)
  const baseDirectory = dirname(path)
  const variables = { ...(await readEnvFile(options, baseDirectory)), ...defined(environment) }
  return resolveDraft(readYaml(text, file, variables), baseDirectory)
}

async function findFile(directory: string): Promise<string> {
  for (const name of FILES)
    if (
      await access(join(directory, name)).then(
        () => true,
        () => false,
      )
    )
      return name
  throw configurationError(
    'configuration_not_found',
    `there is no ${FILES[0]} in ${resolve(directory)}; write one with \`rowferry init\`, or name one with -f`,
  )
}

async function readEnvFile({ directory, envFile }: LoadOptions, baseDirectory: string): Promise<Environment> {
  const path = envFile === undefined ? join(baseDirectory, '.env') : resolve(directory, envFile)
  try {
    return parseEnv((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A folder named .env is a virtual environment of Python.
    if (envFile === undefined && (code === 'ENOENT' || code === 'EISDIR')) return {}
    throw unreadable('env_file_unreadable', 'the environment file', path, error)
  }
}

async function read(path: string, code: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw unreadable(code, what, path, error)
  }
}

function unreadable(code: string, what: string, path: string, error: unknown) {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
  const message = missing
    ? `there is no ${path}; give the path of ${what}`
    : `${what} ${path} cannot be read; check it: ${messageOf(error)}`
  return configurationError(code, message, error)
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw configurationError('configuration_unreadable', `${file} is not UTF-8; save it as UTF-8`, cause)
  }
}

function defined(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined))
}
