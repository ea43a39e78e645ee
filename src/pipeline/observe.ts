/** A part of a run that takes time of its own. */
export type StageName = 'source' | 'sorting' | 'keying' | 'diff' | 'filter' | 'writer' | 'index'

/** Is shown each part of a run before it is used, and hands on what is used: to measure it, or to make it fail. */
export type Observe = <Stage extends object>(name: StageName | 'destination', stage: Stage) => Stage

/** Nobody looks. */
export const unobserved: Observe = (_name, stage) => stage
