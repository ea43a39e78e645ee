// Writes the tables of docs/simulators.md from the simulators themselves, or, with --check, says whether they are up to date.
//   node --import tsx scripts/simulator-docs.mjs [--check]
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FAULTS } from '../src/simulators/simulator-faults.ts'
import { SIMULATOR_KINDS } from '../src/simulators/simulator-kinds.ts'

const FILE = join(import.meta.dirname, '../docs/simulators.md')
const FOLDER = join(import.meta.dirname, '../src/simulators')

/**
 * `<!-- TABLE: OF -->` is followed by a table, up to `<!-- end -->`: `options: common` or of a simulator, `behaviours: KIND`,
 * `faults: all`.
 */
const TABLE = /(<!-- (options|behaviours|faults): (\w+) -->\n)[\s\S]*?(<!-- end -->)/g

/** The file and the interface that say what a simulator can be told. */
const OPTIONS = {
  common: ['simulator-options.ts', 'SimulatorOptions'],
  hubspot: ['hubspot-options.ts', 'HubspotOptions'],
  salesforce: ['salesforce-options.ts', 'SalesforceOptions'],
  http: ['http-simulator-options.ts', 'HttpSimulatorOptions'],
}

const cell = (text) => text.replaceAll('|', '\\|')

function table(heads, rows) {
  const lines = [heads, heads.map(() => '---'), ...rows.map((row) => row.map(cell))]
  return `\n${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n\n`
}

/** Names and comments of an interface, as they are written. */
function optionsOf(kind) {
  const [file, name] = OPTIONS[kind]
  const source = readFileSync(join(FOLDER, file), 'utf8')
  const [, body] = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(source) ?? []
  if (body === undefined) throw new Error(`${file} has no interface ${name}`)
  const rows = [...body.matchAll(/(?:^ {2}\/\*\*\s*([\s\S]*?)\s*\*\/\n)?^ {2}readonly (\w+)\?:/gm)]
  return rows.map(([, comment = '', option]) => [`\`${option}\``, comment.replace(/\s*\n\s*\*\s*/g, ' ')])
}

async function behavioursOf(kind) {
  const table = (await import(`../src/simulators/${kind}-behaviours.ts`))[`${kind.toUpperCase()}_BEHAVIOURS`]
  return table.map(({ id, what, tag, source }) => [`\`${id}\``, what, tag, source])
}

const faults = Object.entries(FAULTS).map(([name, what]) => [`\`${name}\``, what])

const before = readFileSync(FILE, 'utf8')
const missing = SIMULATOR_KINDS.filter(
  (kind) => existsSync(join(FOLDER, `${kind}-behaviours.ts`)) && !before.includes(`<!-- behaviours: ${kind} -->`),
)
const tables = new Map()
for (const [, , what, of] of before.matchAll(TABLE)) {
  if (what === 'options') tables.set(`${what}: ${of}`, table(['option', ''], optionsOf(of)))
  else if (what === 'faults') tables.set(`${what}: ${of}`, table(['fault', ''], faults))
  else tables.set(`${what}: ${of}`, table(['id', 'what it does', 'evidence', 'source'], await behavioursOf(of)))
}
const text = before.replace(TABLE, (_, start, what, of, end) => `${start}${tables.get(`${what}: ${of}`)}${end}`)

if (missing.length > 0) {
  console.error(
    `docs/simulators.md has no table of the behaviours of ${missing.join(', ')}: add <!-- behaviours: KIND -->`,
  )
  process.exitCode = 1
} else if (!process.argv.includes('--check')) writeFileSync(FILE, text)
else if (text !== before) {
  console.error(
    'docs/simulators.md is not what the simulators say: write it again with `node --import tsx scripts/simulator-docs.mjs`',
  )
  process.exitCode = 1
}
