import type { SimulatorKind } from './simulator-kinds.ts'
import { checkOptions, type OptionCheck, type SimulatorOptions } from './simulator-options.ts'
import { type RunningSimulator, serveSimulator } from './simulator-server.ts'
import type { DefineSimulator } from './simulator-world.ts'

/** The options of each simulator. */
export interface OptionsOf {
  readonly hubspot: import('./hubspot-options.ts').HubspotOptions
  readonly salesforce: import('./salesforce-options.ts').SalesforceOptions
  readonly http: import('./http-simulator-options.ts').HttpSimulatorOptions
}

interface KindOfSimulator<Options> {
  /** Checks of the options that only this simulator has. */
  readonly options: Readonly<Record<string, OptionCheck>>
  readonly define: (options: Options) => DefineSimulator
}

const KINDS: { readonly [K in SimulatorKind]: () => Promise<KindOfSimulator<OptionsOf[K]>> } = {
  hubspot: async () => (await import('./hubspot-simulator.ts')).HUBSPOT,
  salesforce: async () => (await import('./salesforce-simulator.ts')).SALESFORCE,
  http: async () => (await import('./http-simulator.ts')).HTTP,
}

/**
 * Starts a simulator in this process. Throws a SimulatorOptionsError for options it cannot do anything with, and what
 * `listen` throws for a port that is taken.
 */
export async function startSimulator<K extends SimulatorKind>(
  kind: K,
  options: SimulatorOptions & OptionsOf[K] = {} as SimulatorOptions & OptionsOf[K],
): Promise<RunningSimulator> {
  const { options: checks, define } = await KINDS[kind]()
  checkOptions(options, checks)
  return serveSimulator(define(options), options)
}
