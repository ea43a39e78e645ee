/** The simulators there are. Each has its line in start-simulator.ts. */
export const SIMULATOR_KINDS = ['hubspot', 'salesforce', 'http'] as const

export type SimulatorKind = (typeof SIMULATOR_KINDS)[number]
