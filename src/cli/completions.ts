import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Argument, Command, Option } from 'commander'
import { parseDocument } from 'yaml'
import { oneLine } from './printable.ts'

/** What may stand in a place, and what it means. */
export interface Completion {
  readonly value: string
  readonly meaning: string
}

/** The syncs that are written in a configuration, as far as it can be read. */
export interface WrittenSync {
  readonly name: string
  readonly description: string
  readonly tags: readonly string[]
}

export type ReadSyncs = (place: { readonly file?: string; readonly chdir?: string }) => Promise<readonly WrittenSync[]>

/**
 * What may stand in the place of the last of `words`, which may be empty. Everything comes from the commands as
 * commander knows them; only where names of syncs are wanted the configuration is read.
 */
export async function completions(
  program: Command,
  words: readonly string[],
  readSyncs: ReadSyncs,
): Promise<readonly Completion[] | 'files'> {
  const current = words.at(-1) ?? ''
  const line = readWords(program, words.slice(0, -1))
  const found = await candidates(line, current, readSyncs)
  if (found === 'files') return found
  return found
    .filter(({ value }) => value.startsWith(current))
    .map(({ value, meaning }) => ({ value, meaning: oneLine(meaning, 80) }))
}

interface Line {
  readonly command: Command
  readonly positionals: readonly string[]
  /** The option whose value is to come. */
  readonly pending: Option | undefined
  readonly file: string | undefined
  readonly chdir: string | undefined
}

function readWords(program: Command, words: readonly string[]): Line {
  let command = program
  let positionals: string[] = []
  let pending: Option | undefined
  const values = new Map<string, string>()
  for (const word of words) {
    if (pending !== undefined && !word.startsWith('-')) {
      values.set(pending.attributeName(), word)
      if (!pending.variadic) pending = undefined
      continue
    }
    pending = undefined
    if (word.startsWith('-')) {
      const [name, value] = word.split('=', 2) as [string, string?]
      const option = optionsOf(command).find(({ long, short }) => name === long || name === short)
      if (option?.required !== true) continue
      if (value === undefined) pending = option
      else values.set(option.attributeName(), value)
      continue
    }
    const inner = command.commands.find((one) => one.name() === word)
    if (inner === undefined) positionals.push(word)
    else {
      command = inner
      positionals = []
    }
  }
  return { command, positionals, pending, file: values.get('file'), chdir: values.get('chdir') }
}

async function candidates(
  { command, positionals, pending, file, chdir }: Line,
  current: string,
  readSyncs: ReadSyncs,
): Promise<readonly Completion[] | 'files'> {
  const place = { ...(file === undefined ? {} : { file }), ...(chdir === undefined ? {} : { chdir }) }
  if (pending !== undefined && !(pending.variadic && current.startsWith('-'))) {
    if (pending.argChoices !== undefined) return pending.argChoices.map((value) => ({ value, meaning: '' }))
    if (/<(file|folder)>/.test(pending.flags)) return 'files'
    if (/<tag:/.test(pending.flags)) return tagsOf(await readSyncs(place))
    return /<sync>/.test(pending.flags) ? namesOf(await readSyncs(place), []) : []
  }
  if (current.startsWith('-')) {
    const options = optionsOf(command).filter((option) => !option.hidden && option.long !== undefined)
    return options.map((option) => ({ value: option.long as string, meaning: option.description }))
  }
  if (command.commands.length > 0) {
    return command
      .createHelp()
      .visibleCommands(command)
      .map((one) => ({ value: one.name(), meaning: one.summary() || one.description() }))
  }
  const argument = command.registeredArguments[positionals.length] ?? lastIfVariadic(command)
  if (argument === undefined) return []
  if (argument.argChoices !== undefined) return argument.argChoices.map((value) => ({ value, meaning: '' }))
  if (argument.name() === 'sync') return namesOf(await readSyncs(place), positionals)
  return argument.name() === 'file' ? 'files' : []
}

function lastIfVariadic(command: Command): Argument | undefined {
  const last = command.registeredArguments.at(-1)
  return last?.variadic === true ? last : undefined
}

/** A command's own options, and those of the commands above it, which may stand behind it as well. */
function optionsOf(command: Command): Option[] {
  const above = command.parent === null ? [] : optionsOf(command.parent)
  const own = command.createHelp().visibleOptions(command)
  return [...own, ...above.filter(({ long }) => !own.some((option) => option.long === long))]
}

function namesOf(syncs: readonly WrittenSync[], taken: readonly string[]): Completion[] {
  return syncs
    .filter(({ name }) => !taken.includes(name))
    .map(({ name, description }) => ({ value: name, meaning: description }))
}

function tagsOf(syncs: readonly WrittenSync[]): Completion[] {
  return [...new Set(syncs.flatMap(({ tags }) => tags))].map((tag) => ({ value: `tag:${tag}`, meaning: '' }))
}

/** Reads names alone: a Tab must not ask for variables to be set, nor complain about the rest of the file. */
export const readSyncs: ReadSyncs = async ({ file, chdir = '.' }) => {
  for (const name of file === undefined ? ['rowferry.yaml', 'rowferry.yml'] : [file]) {
    try {
      const { syncs } = (parseDocument(readFileSync(join(chdir, name), 'utf8')).toJS() ?? {}) as { syncs?: unknown }
      if (typeof syncs !== 'object' || syncs === null) return []
      return Object.entries(syncs).map(([name, sync]) => {
        const { description, tags } = (sync ?? {}) as { description?: unknown; tags?: unknown }
        return {
          name,
          description: typeof description === 'string' ? description : '',
          tags: Array.isArray(tags) ? tags.map(String) : [],
        }
      })
    } catch {
      // There is no such file, or it is no YAML: then there is nothing to suggest.
    }
  }
  return []
}
