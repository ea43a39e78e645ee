// Writes the tables of docs/configuration.md from the schemas and the declarations of the destinations, or, with --check,
// says whether they are up to date.
//   node --import tsx scripts/config-docs.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { DURATION_PATTERN, RATE_PATTERN, THRESHOLD_PATTERN } from '../src/config/durations.ts'
import { jsonSchema, NAME_PATTERN } from '../src/config/schema.ts'
import { CONNECTORS } from '../src/connectors/registry.ts'
import { listConnectors } from '../src/engine/connectors-list.ts'
import { resolveSync } from '../src/pipeline/resolve-sync.ts'

const FILE = join(import.meta.dirname, '../docs/configuration.md')

/**
 * `<!-- options: PATH -->` is followed by a table of the options there, up to `<!-- end -->`. PATH is one of the
 * configuration (`syncs.*.source`), or the type of a connector. `only a, b` behind it leaves the others to another table.
 */
const TABLE = /(<!-- options: (\S+?)(?: only (.+?))? -->\n)[\s\S]*?(<!-- end -->)/g
const DESTINATIONS = /(<!-- destinations -->\n)[\s\S]*?(<!-- end -->)/

const FORMS = {
  [DURATION_PATTERN]: 'duration',
  [RATE_PATTERN]: 'requests per time',
  [THRESHOLD_PATTERN]: 'share',
  [NAME_PATTERN]: 'name',
}

const root = jsonSchema()
const connectors = new Map()
for (const { type, source, destination, inline } of CONNECTORS) {
  // What reads and writes has the same options for both; those of rows belong to their sync.
  const define = destination ?? (inline === undefined ? source : undefined)
  if (define === undefined) continue
  const { options } = await define()
  const schema = z.toJSONSchema(options, { io: 'input', target: 'draft-7' })
  // The type is told once for all of them, as an option of every connection.
  const { type: _, ...properties } = schema.properties
  connectors.set(type, { ...schema, properties })
}

/** The schema, and its alternatives where it has some. */
function formsOf(schema) {
  return [schema, ...(schema.anyOf ?? []).flatMap(formsOf)]
}

/** The map at a path, with its options. */
function mapAt(path) {
  if (connectors.has(path)) return connectors.get(path)
  const parts = path === 'top' ? [] : path.split('.')
  const found = parts.reduce((schema, part) => {
    const inner = formsOf(schema)
      .map((form) => (part === '*' ? form.additionalProperties : form.properties?.[part]))
      .find((form) => typeof form === 'object')
    if (inner === undefined) throw new Error(`docs/configuration.md: there is nothing at ${path}`)
    return inner
  }, root)
  const map = formsOf(found).find((form) => form.properties !== undefined)
  if (map === undefined) throw new Error(`docs/configuration.md: ${path} has no options`)
  return map
}

const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``

function listed(words) {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** What an option takes, in words. */
function typeOf(schema) {
  return listed([...new Set(wordsOf(schema))])
}

function wordsOf(schema) {
  if (schema.const !== undefined) return [code(schema.const)]
  if (schema.enum !== undefined) return schema.enum.map(code)
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap(wordsOf)
  if (Array.isArray(schema.type)) return schema.type.flatMap((type) => wordsOf({ ...schema, type }))
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema
  const atLeast = minimum > Number.MIN_SAFE_INTEGER ? `, at least ${minimum.toLocaleString('en')}` : ''
  const atMost = maximum < Number.MAX_SAFE_INTEGER ? `, at most ${maximum.toLocaleString('en')}` : ''
  switch (schema.type) {
    case 'string':
      return [FORMS[schema.pattern] ?? 'text']
    case 'integer':
      return [`whole number${atLeast}${atMost}`]
    case 'number':
      return [`number${atLeast}${atMost}`]
    case 'boolean':
      return [code(true), code(false)]
    case 'null':
      return [code(null)]
    case 'array':
      return [`list of ${several(schema.items)}`]
    case 'object': {
      const isMapOfAny = typeof schema.additionalProperties === 'object' && schema.properties === undefined
      return [isMapOfAny ? `map of ${several(schema.additionalProperties)}` : 'map']
    }
    default:
      throw new Error(`docs/configuration.md: no words for ${JSON.stringify(schema)}`)
  }
}

function several(schema) {
  return listed([...new Set(wordsOf(schema))].map((word) => (/^[a-z]+$/.test(word) ? `${word}s` : word)))
}

/** The description without its last sentence, and what that says of the default. */
function described(schema) {
  const [, text = '', stated] = /^(.*?)\s*(?:Default: (.*)\.)?$/s.exec(schema.description ?? '') ?? []
  return { text, default: schema.default === undefined ? stated : code(schema.default) }
}

/** `[name](#section)` where the page has a section of that name. */
function linked(page, name) {
  const heading = name[0].toUpperCase() + name.slice(1)
  return page.includes(`\n## ${heading}\n`) ? `[${code(name)}](#${name})` : code(name)
}

/** The lines of a table for the options of a map, and of the maps below it that have no table of their own. */
function rowsOf(page, map, path, { prefix = '', only } = {}) {
  const oneOf = (map.oneOf ?? []).map(({ required }) => required[0])
  const hasTable = (inner) => [...page.matchAll(TABLE)].some(([, , of]) => of === inner)
  return Object.entries(map.properties).flatMap(([name, schema]) => {
    if (only !== undefined && !only.includes(name)) return []
    const { text, default: stated } = described(schema)
    const missing = map.required?.includes(name)
      ? '**required**'
      : oneOf.includes(name)
        ? '**one of these**'
        : undefined
    const at = path === 'top' ? name : `${path}.${name}`
    // Sections are of options of the configuration, not of a connector's of the same name.
    const shown = connectors.has(path) ? code(prefix + name) : linked(page, prefix + name)
    const cells = [shown, typeOf(schema), missing ?? stated ?? '', text]
    const own = `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
    const below = formsOf(schema).flatMap((form) => {
      if (form.properties !== undefined && !hasTable(at)) {
        return rowsOf(page, form, at, { prefix: `${prefix}${name}.` })
      }
      const items = typeof form.additionalProperties === 'object' ? formsOf(form.additionalProperties) : []
      return items
        .filter((item) => item.properties !== undefined && !hasTable(`${at}.*`))
        .flatMap((item) => rowsOf(page, item, `${at}.*`, { prefix: `${prefix}${name}.*.` }))
    })
    return [own, ...below]
  })
}

/** The value of a default in each mode: one, where it is the same in all of them. */
function byMode(values) {
  const [first, ...others] = [...new Set(values.map(([, value]) => value))]
  const modesOf = (value) => listed(values.filter(([, one]) => one === value).map(([mode]) => code(mode)))
  return [code(first), ...others.map((value) => `${code(value)} in ${modesOf(value)}`)].join('; ')
}

async function destinationTable() {
  const rows = (await listConnectors()).flatMap(({ type, destination }) => {
    if (destination === null) return []
    const { syncModes, limits, creates, deletesAs } = destination
    const columns = [{ name: 'id', type: 'bigint', kind: 'integer', keyEncoding: 'integer' }]
    const resolved = syncModes.map((mode) => {
      const to = { object: type, match: undefined, create: false }
      const open = { bootstrap: undefined, refresh: undefined }
      const deletes = { scope: undefined, as: { kind: 'delete' } }
      const sync = {
        name: type,
        key: ['id'],
        mode,
        destination: to,
        deletes,
        fields: undefined,
        exclude: [],
        index: open,
      }
      return [mode, resolveSync(sync, columns, destination)]
    })
    const cells = [
      code(type),
      syncModes.length === 5 ? 'all' : listed(syncModes.map(code)),
      limits.rows.toLocaleString('en'),
      String(limits.inFlight),
      creates ? 'yes' : 'no',
      deletesAs.includes('archive') ? 'yes' : 'no',
      ...['scope', 'bootstrap', 'refresh'].map((name) => byMode(resolved.map(([mode, sync]) => [mode, sync[name]]))),
    ]
    return [`| ${cells.join(' | ')} |`]
  })
  const titles = ['type', 'modes', '`batch.size`', '`batch.concurrency`', '`create`', '`as: archive`']
  const defaults = ['`deletes.scope`', '`index.bootstrap`', '`index.refresh`']
  return `| ${[...titles, ...defaults].join(' | ')} |\n|${'---|'.repeat(9)}\n${rows.join('\n')}\n`
}

const page = readFileSync(FILE, 'utf8')
const destinations = await destinationTable()
const text = page
  .replace(TABLE, (_all, begin, path, only, end) => {
    const rows = rowsOf(page, mapAt(path), path, only === undefined ? {} : { only: only.split(', ') })
    return `${begin}| option | takes | default | |\n|---|---|---|---|\n${rows.join('\n')}\n${end}`
  })
  .replace(DESTINATIONS, (_all, begin, end) => begin + destinations + end)

if (!process.argv.includes('--check')) writeFileSync(FILE, text)
else if (page !== text) {
  console.error(
    'the tables of docs/configuration.md are not what the schemas say: ' +
      'write them again with `node --import tsx scripts/config-docs.mjs`',
  )
  process.exitCode = 1
}
