import type { ConnectorInfo } from '../index.ts'
import { usageError } from './cli-error.ts'
import type { InitOptions } from './init-command.ts'
import { hasSecret, shownUrl } from './shown-url.ts'

/** What `init` is going to write. */
export interface InitPlan {
  readonly sync: string
  readonly yaml: string
  /** Variables for `.env`: URLs with passwords. */
  readonly secrets: Readonly<Record<string, string>>
  /** Whether nothing is left to be filled in. */
  readonly isComplete: boolean
}

type Suggest = (word: string, candidates: Iterable<string>) => string

/** The text of rowferry.yaml. Throws a usage error for a URL that no connector answers to. */
export function planFile(options: InitOptions, connectors: readonly ConnectorInfo[], suggest: Suggest): InitPlan {
  const { from, to = 'sqlite:./app.db', table = 'contacts', key = ['id'], mode } = options
  const [toUrl = '', toTable = table.split('.').at(-1) as string] = splitAt(to, '#')
  const empty = Object.entries({ '--table': [table], '--key': key, '--to': [toUrl, toTable] })
  const [option] = empty.find(([, parts]) => parts.some((part) => part.trim() === '')) ?? []
  if (option !== undefined)
    throw usageError(`${option} has an empty part`, 'such as --table users --key id --to sqlite:./app.db')
  const source = from === undefined ? undefined : connectorOf(from, 'source', connectors, suggest)
  const destination = connectorOf(toUrl, 'destination', connectors, suggest)
  const secrets: Record<string, string> = {}
  const url = (text: string, name: string) => {
    if (!hasSecret(text) || text.includes('${')) return scalar(escaped(text))
    secrets[name] = text
    return `\${${name}}`
  }
  const fromValue = from === undefined ? PLACEHOLDER : url(from, 'SOURCE_URL')
  const toValue = url(toUrl, 'DESTINATION_URL')
  const sync = options.name ?? nameOf(toTable)
  if (!NAME.test(sync)) throw usageError(`"${sync}" cannot name a sync`, 'use a-z, 0-9, _ and -, at most 64')
  const isTable = destination === undefined || ['postgres', 'sqlite'].includes(destination.type)
  const creates = destination?.destination?.creates !== false
  return {
    sync,
    secrets,
    isComplete: from !== undefined && options.table !== undefined && options.key !== undefined,
    yaml: `# yaml-language-server: $schema=./node_modules/rowferry/schema/v1.json
version: 1

connections:
  # The scheme of a URL names the connector; \`rowferry connectors\` lists them. \${NAME} is taken from the environment,
  # or from the file .env beside this one.
  ${source?.type === 'sqlite' ? 'origin' : 'warehouse'}: ${fromValue}
  app: ${toValue}

syncs:
  ${sync}:
    # The model: the rows to sync. In place of a table also \`sql: select …\`, or \`file: models/${sync}.sql\`.
    source: { connection: ${source?.type === 'sqlite' ? 'origin' : 'warehouse'}, table: ${flow(table)} }
    # Column that identifies a row, unique and never null; or several: [tenant_id, order_id]
    key: ${key.length === 1 ? flow(key[0] as string) : `[${key.map(flow).join(', ')}]`}
    # mirror: the destination equals the model. upsert: the same without deletes. Also update-only, insert-only and
    # delete-only.
    mode: ${mode}
    destination: { connection: app, ${isTable ? 'table' : 'object'}: ${flow(toTable)}${creates ? ', create: true' : ''} }

    # Destination field: model column. Without it, all columns under their own names.
    # fields:
    #   email: email
    #   full_name: { template: "{first_name} {last_name}" }

    # Which records the model lacks may be deleted: all of them, or only those it held before.
    # deletes: { scope: seen }

    # Deletes above this are held until they are allowed (default: 20 and 10%).
    # guards: { max_deletes: 5% }
`,
  }
}

const PLACEHOLDER = `\${DATABASE_URL:?set it to the database to read, postgres://user:password@host/database}`

function connectorOf(
  url: string,
  role: 'source' | 'destination',
  connectors: readonly ConnectorInfo[],
  suggest: Suggest,
): ConnectorInfo | undefined {
  // A variable says nothing before it is read.
  if (url.includes('${')) return undefined
  const flag = role === 'source' ? '--from' : '--to'
  const able = connectors.filter((connector) => (role === 'source' ? connector.source : connector.destination !== null))
  const schemes = able.flatMap((connector) => connector.schemes)
  const list = schemes.map((scheme) => `${scheme}:`).join(', ')
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) throw usageError(`${flag} ${shownUrl(url)} is no URL`, `it begins with one of ${list}`)
  const found = able.find((connector) => connector.schemes.includes(scheme))
  if (found !== undefined) return found
  throw usageError(`no ${role} answers to ${scheme}:${suggest(scheme, schemes)}`, `there are ${list}`)
}

/** `a#b` as `a` and `b`. */
function splitAt(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** A `$` that begins no reference stands for itself. */
function escaped(url: string): string {
  return url.replace(/\$(?!\{)/g, '$$$$')
}

/** Names of syncs become names of files: lower case, and few characters. */
function nameOf(table: string): string {
  const name = table.toLowerCase().replace(/[^a-z0-9_-]+/g, '_')
  return /^[a-z0-9]/.test(name) ? name.slice(0, 64) : `sync_${name}`.slice(0, 64)
}

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/

/** A text as a YAML value on a line of its own. */
function scalar(text: string): string {
  return /^[\w./$][\w.:/@%?=&+~${},-]*[^:\s]$/.test(text) ? text : JSON.stringify(text)
}

/** A text as a YAML value between braces. */
function flow(text: string): string {
  const plain = /^[a-z_][\w.]*$/i.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
  return plain ? text : JSON.stringify(text)
}
