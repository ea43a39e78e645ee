import { didYouMean } from '../core/did-you-mean.ts'
import { readConnection } from './connection.ts'
import { isFromEnvironment, type Path } from './origin.ts'
import type { ProblemList } from './problem.ts'
import { checkRows } from './rows-source.ts'
import { NAME_PATTERN } from './schema.ts'

type Values = Readonly<Record<string, unknown>>

/** Key indexes are named like their syncs, and this file of the state folder is none. */
const RESERVED_NAME = 'history'

/**
 * The rules between keys: names, references, exactly one of several. They look at the raw values, so that they
 * find what is wrong in a configuration whose form is wrong elsewhere; what has the wrong form they leave alone.
 */
export function checkRules(config: unknown, problems: ProblemList): void {
  const { connections, syncs } = valuesOf(config)
  checkNames(connections, 'connections', problems)
  checkNames(syncs, 'syncs', problems)
  if (Object.hasOwn(valuesOf(syncs), RESERVED_NAME))
    problems.add(['syncs', RESERVED_NAME], 'this is the name of the run history; choose another', { part: 'key' })
  for (const [name, sync] of Object.entries(valuesOf(syncs)))
    if (isValues(sync)) checkSync(sync, ['syncs', name], isValues(connections) ? connections : undefined, problems)
}

function checkNames(map: unknown, kind: string, problems: ProblemList): void {
  for (const name of Object.keys(valuesOf(map)))
    if (!new RegExp(NAME_PATTERN).test(name))
      problems.add([kind, name], 'expected a name of a-z, 0-9, _ and -, at most 64, the first a letter or a digit', {
        part: 'key',
      })
}

function checkSync(sync: Values, at: Path, connections: Values | undefined, problems: ProblemList): void {
  const names = connections && Object.keys(connections)
  for (const end of ['source', 'destination']) {
    const { connection } = valuesOf(sync[end])
    if (typeof connection === 'string' && names !== undefined && !names.includes(connection))
      problems.add(
        [...at, end, 'connection'],
        `no connection named ${shown(connection, [...at, end, 'connection'], problems)}`,
        {
          suggestion: didYouMean(connection, names),
        },
      )
  }
  const { source, destination, fields, exclude, deletes, key } = sync
  if (isValues(source)) {
    exactlyOne(source, ['sql', 'file', 'table', 'stdin'], [...at, 'source'], problems)
    checkRows(source, [...at, 'source'], problems)
    checkReadOptions(source, connections, [...at, 'source'], problems)
    if (has(source, 'table') && !has(source, 'sql') && !has(source, 'file') && has(source, 'params'))
      problems.add([...at, 'source', 'params'], 'a table takes no params; remove them, or give sql or file', {
        part: 'key',
      })
  }
  if (isValues(destination)) exactlyOne(destination, ['table', 'object'], [...at, 'destination'], problems)
  checkUnique(key, [...at, 'key'], problems)
  checkUnique(valuesOf(destination)['match'], [...at, 'destination', 'match'], problems)
  for (const [field, mapping] of Object.entries(valuesOf(fields)))
    if (isValues(mapping)) checkMapping(mapping, [...at, 'fields', field], problems)
  if (isValues(fields) && Object.keys(fields).length === 0)
    problems.add([...at, 'fields'], 'no field is mapped; name one, or remove `fields` to map all columns')
  if (fields !== undefined && exclude !== undefined)
    problems.add([...at, 'exclude'], 'fields says which columns are sent, so this does nothing; remove one of them', {
      part: 'key',
    })
  const { as } = valuesOf(deletes)
  if (isValues(as) && Object.keys(as).length === 0)
    problems.add([...at, 'deletes', 'as'], 'no field is set; name one, or write delete')
}

/** What says how Postgres is read, and means nothing there: it would be passed over in silence. */
function checkReadOptions(source: Values, connections: Values | undefined, at: Path, problems: ProblemList): void {
  const { connection, read } = source
  const { method, parallel, digest } = valuesOf(read)
  if (method === 'cursor' && typeof parallel === 'number' && parallel > 1)
    problems.add([...at, 'read', 'parallel'], 'only COPY reads over several connections; remove this, or the method', {
      part: 'key',
    })
  if (method === 'cursor' && digest === true)
    problems.add([...at, 'read', 'digest'], 'only COPY fetches rows by their keys; remove this, or the method', {
      part: 'key',
    })
  const known = connections !== undefined && typeof connection === 'string' && Object.hasOwn(connections, connection)
  const value = known ? connections[connection] : undefined
  const type = typeof value === 'string' || isValues(value) ? readConnection(value)?.type : undefined
  if (type !== 'sqlite') return
  for (const name of ['read', 'idle_timeout'])
    if (has(source, name))
      problems.add([...at, name], 'this is about Postgres and means nothing to SQLite; remove it', { part: 'key' })
}

function checkMapping(mapping: Values, at: Path, problems: ProblemList): void {
  exactlyOne(mapping, ['from', 'value', 'variable', 'template'], at, problems)
  if (!has(mapping, 'hash')) return
  if (!has(mapping, 'from')) problems.add([...at, 'hash'], 'only a column can be hashed; give from', { part: 'key' })
  else if (has(mapping, 'type') && mapping['type'] !== 'text')
    problems.add([...at, 'type'], 'a hash is text; remove the type')
}

function exactlyOne(values: Values, names: readonly string[], at: Path, problems: ProblemList): void {
  const [first, second] = Object.keys(values).filter((name) => names.includes(name))
  const list = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
  if (first === undefined) problems.add(at, `missing; expected ${list}`, { missing: names })
  else if (second !== undefined)
    problems.add([...at, second], `${first} is given already; give exactly one of ${list}`, { part: 'key' })
}

function checkUnique(list: unknown, at: Path, problems: ProblemList): void {
  if (!Array.isArray(list)) return
  for (const [index, item] of list.entries())
    if (typeof item === 'string' && list.indexOf(item) < index)
      problems.add([...at, index], `${shown(item, [...at, index], problems)} is there twice; name it once`)
}

// Whoever writes the wrong variable into the wrong place must not find its secret in the log.
function shown(text: string, path: Path, problems: ProblemList): string {
  return isFromEnvironment(problems.origin, path) ? 'as the environment says' : JSON.stringify(text)
}

function has(values: Values, name: string): boolean {
  return values[name] !== undefined
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function valuesOf(value: unknown): Values {
  return isValues(value) ? value : {}
}
