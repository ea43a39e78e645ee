import type { DestinationDefinition } from '../core/destination.ts'
import { didYouMean } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { SourceDefinition } from '../core/source.ts'

/**
 * A built-in system. `type` and `schemes` repeat what its definitions say, so that finding one, listing them all and
 * `--help` load no connector and no driver: a module is imported when it is used.
 */
export interface Connector {
  readonly type: string
  /** Schemes of the URL form of a connection, without colon. */
  readonly schemes: readonly string[]
  readonly summary: string
  /** What the source of a sync has in the place of a connection, where rows are not read through one. */
  readonly inline?: string
  readonly source?: () => Promise<SourceDefinition>
  readonly destination?: () => Promise<DestinationDefinition>
}

/** The built-in systems. A new one is a line here. */
export const CONNECTORS: readonly Connector[] = [
  {
    type: 'postgres',
    schemes: ['postgres', 'postgresql'],
    summary: 'PostgreSQL 12 and later: models, and tables',
    source: async () => (await import('./postgres-source.ts')).postgresSource,
    destination: async () => (await import('./postgres-destination.ts')).postgresDestination,
  },
  {
    type: 'sqlite',
    schemes: ['sqlite'],
    summary: 'SQLite: models and tables of a file',
    source: async () => (await import('./sqlite-source.ts')).sqliteSource,
    destination: async () => (await import('./sqlite-destination.ts')).sqliteDestination,
  },
  {
    type: 'stdin',
    schemes: [],
    summary: 'rows that another program pipes in: CSV, NDJSON',
    source: async () => (await import('./stdin-source.ts')).stdinSource,
    inline: '{ stdin: csv }',
  },
  {
    type: 'file',
    schemes: ['file'],
    summary: 'CSV and NDJSON: rows of a file, also as gzip; and files that new rows are appended to',
    source: async () => (await import('./file-source.ts')).fileSource,
    destination: async () => (await import('./file-destination.ts')).fileDestination,
    inline: '{ file: PATH }',
  },
  {
    type: 'stdout',
    schemes: ['stdout'],
    summary: 'changes or new rows for another program: NDJSON, CSV',
    destination: async () => (await import('./stdout-destination.ts')).stdoutDestination,
  },
  {
    type: 'generate',
    schemes: ['generate'],
    summary: 'rows made up by a seed, of which a chosen share changes: to measure and to try things out',
    source: async () => (await import('./generate-source.ts')).generateSource,
  },
  {
    type: 'blackhole',
    schemes: ['blackhole'],
    summary: 'accepts everything and keeps nothing, to measure and to rehearse',
    destination: async () => (await import('./blackhole-destination.ts')).blackholeDestination,
  },
  {
    type: 'hubspot',
    schemes: [],
    summary: 'HubSpot: contacts, companies, deals, tickets, products and custom objects',
    destination: async () => (await import('./hubspot-destination.ts')).hubspotDestination,
  },
  {
    type: 'salesforce',
    schemes: [],
    summary: 'Salesforce: records of standard and custom objects, by sObject Collections and Bulk API 2.0',
    destination: async () => (await import('./salesforce-destination.ts')).salesforceDestination,
  },
  {
    type: 'http',
    schemes: ['https', 'http'],
    summary: 'any HTTP API that a configuration can describe, and webhooks; presets for some known ones',
    destination: async () => (await import('./http-destination.ts')).httpDestination,
  },
]

/** What else a connection may name: definitions that the caller of the library brought along. */
export interface Extras {
  readonly sources?: readonly SourceDefinition[]
  readonly destinations?: readonly DestinationDefinition[]
}

/** The source of rows that a sync names by itself, without a connection. */
export async function findRowSource(type: 'stdin' | 'file'): Promise<SourceDefinition> {
  const load = CONNECTORS.find((connector) => connector.type === type)?.source
  if (load === undefined) throw new RangeError(`no rows come from ${type}`)
  return await load()
}

/** The source of a connection of that type or URL scheme. Throws FatalError `unknown_connector`. */
export async function findSource(name: string, extras: Extras = {}): Promise<SourceDefinition> {
  return await find('source', name, extras.sources ?? [])
}

/** The destination of that type or URL scheme. Throws FatalError `unknown_connector`. */
export async function findDestination(name: string, extras: Extras = {}): Promise<DestinationDefinition> {
  return await find('destination', name, extras.destinations ?? [])
}

interface Definitions {
  readonly source: SourceDefinition
  readonly destination: DestinationDefinition
}

async function find<Role extends keyof Definitions>(
  role: Role,
  name: string,
  extras: readonly Definitions[Role][],
): Promise<Definitions[Role]> {
  const given = extras.find((definition) => answersTo(definition, name))
  if (given !== undefined) return given
  const connector = CONNECTORS.find((candidate) => answersTo(candidate, name))
  const load = connector?.[role] as (() => Promise<Definitions[Role]>) | undefined
  if (connector?.inline !== undefined && role === 'source') {
    const message = `${connector.type} is read without a connection: write source: ${connector.inline} in the sync`
    throw configurationError('unknown_connector', message)
  }
  if (load !== undefined) return await load()
  const known = [
    ...extras,
    ...CONNECTORS.filter(
      (candidate) => candidate[role] !== undefined && !(role === 'source' && candidate.inline !== undefined),
    ),
  ]
  const list = known.map(({ type }) => type).join(', ')
  if (connector !== undefined) {
    const message = `${connector.type} cannot be a ${role}: use one of ${list}`
    throw configurationError('unknown_connector', message)
  }
  const meant = didYouMean(
    name,
    known.flatMap(({ type, schemes }) => [type, ...schemes]),
  )
  const advice = meant === undefined ? `use one of ${list}` : `did you mean "${meant}"? There are ${list}`
  throw configurationError('unknown_connector', `there is no ${role} "${name}": ${advice}`)
}

function answersTo(candidate: { readonly type: string; readonly schemes: readonly string[] }, name: string): boolean {
  return candidate.type === name || candidate.schemes.includes(name)
}
