import type { Clock } from '../core/clock.ts'
import type { Counts, RequestCounts, RowIssue } from '../core/report.ts'
import type { ChangeSample } from '../pipeline/dry-run.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Threshold } from '../pipeline/guards.ts'
import type { Observe } from '../pipeline/observe.ts'
import type { OwnConnectors } from './open-ends.ts'

/** Where a run is. Rows per second count from the first row. */
export interface Progress {
  readonly sync: string
  readonly phase: 'connecting' | 'listing' | 'sorting' | 'reading' | 'done'
  readonly counts: Readonly<Counts>
  readonly requests: Readonly<RequestCounts>
  readonly rowsPerSecond: number
  readonly inFlight: number
}

export interface SyncOptions extends OwnConnectors {
  /** Which sync of the configuration; may be left out where there is only one. */
  readonly sync?: string | undefined
  /** Stops reading; batches in flight are finished and kept. The reason ends up in the report. */
  readonly signal?: AbortSignal | undefined
  /** Does everything but write: neither the destination nor the state changes. */
  readonly dryRun?: boolean | undefined
  /** Takes every row for changed, so that everything is sent again. */
  readonly full?: boolean | undefined
  /** Compares and sends only the first so many rows in key order. Nothing is deleted. */
  readonly limit?: number | undefined
  /** Compares and sends only the rows with these keys: as they are printed, or as JSON arrays. Nothing is deleted. */
  readonly keys?: readonly string[] | undefined
  /** How many rows stdin or the file has: proves their end, as `rows` in the configuration does. */
  readonly rows?: number | undefined
  /** Takes the end of stdin or of the file for the end of the model. */
  readonly trustEof?: boolean | undefined
  readonly allowDeletes?: Threshold | undefined
  readonly allowEmpty?: boolean | undefined
  readonly allowDeletesWithInvalid?: boolean | undefined
  /** Called a few times a second. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Called for each change that a dry run would send. */
  readonly onChange?: ((sample: ChangeSample) => void) | undefined
  /** Called for each change that is sent, with the answer. It costs memory and time: for runs of few rows. */
  readonly onExchange?: ((exchange: Exchange) => void) | undefined
  /** Called with what is worth knowing before anything is sent: the delete scope, a changed mapping. */
  readonly onNote?: ((note: string) => void) | undefined
  /** Called for each invalid row and rejected change. */
  readonly onIssue?: ((issue: RowIssue) => void) | undefined
  /** Is shown each stage before rows flow: for measuring, as `rowferry bench` does. */
  readonly observe?: Observe | undefined
  readonly clock?: Clock | undefined
}
