import assert from 'node:assert/strict'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { configSchema } from '../../src/config/schema.ts'
import type { Page } from './markdown.ts'

/** A block of YAML on a page of the documentation. */
export interface YamlExample {
  /** `docs/sqlite.md:13` */
  readonly place: string
  readonly text: string
  /** What of a configuration it is; `other` is for systems that are not rowferry. */
  readonly part: 'file' | 'sections' | 'connections' | 'sync' | 'other'
  /** What is printed, where the example is refused: ```` ```yaml sync refused ````, and the block behind it. */
  readonly refusal: string | undefined
}

/** What the examples take from the environment. */
export const ENVIRONMENT = {
  DATABASE_URL: 'postgres://reader@localhost/warehouse',
  SF_CLIENT_ID: 'the consumer key',
  SF_CLIENT_SECRET: 'the consumer secret',
  APP_PASSWORD: 'secret',
  HUBSPOT_TOKEN: 'token',
  HUBSPOT_CLIENT: 'client',
  HUBSPOT_SECRET: 'client secret',
  HUBSPOT_REFRESH: 'refresh',
  API_URL: 'https://api.example.com',
  API_TOKEN: 'token of the API',
  API_SECRET: 'secret of the API',
  WEBHOOK_URL: 'https://hooks.example.com/services/T1/B1/secret',
  BATCH_SIZE: '500',
}

/** Files that examples name. */
export const FILES = { 'models/contacts.sql': 'select 1 as id' }

export function yamlExamplesOf({ path, blocks }: Page): readonly YamlExample[] {
  return blocks.flatMap(({ language, info = '', text, line }, index) => {
    if (language !== 'yaml') return []
    const [, ...words] = info.split(/\s+/)
    const next = blocks[index + 1]
    const isBehind = next?.language === '' && next.line === line + text.split('\n').length + 2
    const refusal = isBehind ? next.text.trimEnd() : 'the refusal is missing'
    const part = words.find((word) => word === 'sync' || word === 'connections') ?? partOf(text)
    return [{ place: `${path}:${line}`, text, part, refusal: words.includes('refused') ? refusal : undefined }]
  })
}

const SECTIONS = Object.keys(configSchema.shape)
const SYNC_KEYS = Object.keys(configSchema.shape.syncs.valueType.shape)

/** What it is, by the keys at its top. */
function partOf(text: string): YamlExample['part'] {
  const [document] = parseAllDocuments(text, { uniqueKeys: false })
  const keys = Object.keys((document?.toJS() ?? {}) as object)
  if (keys.includes('version')) return 'file'
  if (keys.every((key) => SECTIONS.includes(key))) return 'sections'
  return keys.every((key) => SYNC_KEYS.includes(key)) ? 'sync' : 'other'
}

const MINIMAL = {
  source: '{ connection: warehouse, table: contacts }',
  key: 'id',
  mode: 'mirror',
  destination: '{ connection: app, table: contacts }',
}

/** An example as a whole file, with what it leaves out. */
export function fileOf({ part, text }: YamlExample): string {
  const indented = (depth: number) => text.replace(/^(?=.)/gm, ' '.repeat(depth))
  switch (part) {
    case 'file':
      return text
    case 'sections':
      return completed(parse(text))
    case 'connections':
      return `version: 1\nconnections:\n${indented(2)}syncs: {}\n`
    case 'sync': {
      const missing = Object.entries(MINIMAL).filter(([name]) => !new RegExp(`^${name}:`, 'm').test(text))
      const lines = missing.map(([name, value]) => `    ${name}: ${value}\n`).join('')
      const connections = `connections:\n  warehouse: \${DATABASE_URL}\n  app: sqlite:./app.db\n  crm: { type: hubspot, token: any }\n`
      return `version: 1\n${connections}syncs:\n  contacts:\n${lines}${indented(4)}`
    }
    default:
      return assert.fail('it is no part of a configuration')
  }
}

/** With a version, the connections that its syncs name and the parts that they have to have. */
function completed(written: { connections?: object; syncs?: Record<string, object> }): string {
  const minimal = Object.fromEntries(Object.entries(MINIMAL).map(([name, value]) => [name, parse(value)]))
  const syncs = Object.entries(written.syncs ?? {}).map(([name, sync]) => [name, { ...minimal, ...sync }] as const)
  const named = [...JSON.stringify(syncs).matchAll(/"connection":"(\w+)"/g)].map(([, name]) => name)
  const connections = Object.fromEntries(named.map((name) => [name, `sqlite:./${name}.db`]))
  return stringify({
    version: 1,
    ...written,
    connections: { ...connections, ...written.connections },
    syncs: Object.fromEntries(syncs),
  })
}
