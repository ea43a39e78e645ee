import type { Segment } from './key-entry.ts'

/** Keys waiting on disk until it is known whether they may be deleted. Gone with the run that wrote it. */
export interface KeySpool {
  /** Entries appended so far. */
  readonly count: number
  append(segment: Segment): void
  /** The segments in the order of their appending. */
  read(): Iterable<Segment>
}
