import { Option } from 'commander'
import { usageError } from './cli-error.ts'
import { parseRows } from './options.ts'

/** Options of the commands that can do with part of a model. */
export interface PartialOptions {
  readonly limit?: number
  readonly keys?: readonly string[]
}

export function limitOption(): Option {
  return new Option('--limit <count>', 'only the first so many rows in key order; nothing is deleted').argParser(
    parseRows,
  )
}

export function keysOption(): Option {
  return new Option(
    '--keys <key...>',
    'only the rows with these keys, as they are printed; nothing is deleted; of one sync',
  ).conflicts('limit')
}

/** Throws a usage error where keys are asked for of several syncs: each has keys of its own. */
export function checkKeys({ keys }: PartialOptions, syncs: readonly string[]): void {
  if (keys === undefined || syncs.length === 1) return
  throw usageError(`--keys is for one sync, not for ${syncs.length}`, `name one of ${syncs.join(', ')}`)
}
