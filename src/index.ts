/** The public API: everything the command line uses, and nothing more. */
export { loadConfig } from './config/load.ts'
export { ConfigurationProblems } from './config/problem.ts'
export { resolveConfig } from './config/resolve.ts'
export type { Config } from './config/resolved.ts'
export { type ConfigInput, defineConfig, jsonSchema } from './config/schema.ts'
export { secretsOf } from './config/secrets.ts'
export type { ChangeBatch, Field, Operation } from './core/change.ts'
export { type Clock, systemClock } from './core/clock.ts'
export type { Column, KeyEncoding, ValueKind } from './core/column.ts'
export { decodeRow, encodeRow } from './core/copy-text.ts'
export {
  type Destination,
  type DestinationDefinition,
  defineDestination,
  type KeyList,
  type Limits,
  type ObjectDeclaration,
  type ObjectRequest,
} from './core/destination.ts'
export { suggestion } from './core/did-you-mean.ts'
export { BatchRefusedError, configurationError, FatalError, RetryableError } from './core/errors.ts'
export type { KeyIndex, KeyScan, Lane } from './core/key-index.ts'
export { DONE, EXISTS, NOT_FOUND, type Outcome } from './core/outcome.ts'
export type { Counts, GuardVerdict, Report, ReportedError, RequestCounts, RowIssue, RunStatus } from './core/report.ts'
export type { EndOfModel, RowBatch, RowLayout } from './core/row-batch.ts'
export {
  defineSource,
  type ModelRequest,
  type Reading,
  type ReadRequest,
  type Source,
  type SourceDefinition,
} from './core/source.ts'
export { type DeleteScope, SYNC_MODES, type SyncMode } from './core/sync-mode.ts'
export { Tally } from './core/tally.ts'
export { BatchSender } from './pipeline/batch-sender.ts'
export { BatchWriter } from './pipeline/batch-writer.ts'
export type { ChangeSample } from './pipeline/dry-run.ts'
export type { Allowances, Threshold } from './pipeline/guards.ts'
export { keying } from './pipeline/keying.ts'
export { mergeDiff } from './pipeline/merge-diff.ts'
export { modeFilter } from './pipeline/mode-filter.ts'
export { compileMapping, RowMapping } from './pipeline/row-mapping.ts'
export { KeyIndexFile } from './state/key-index-file.ts'
export { openRunHistory, type RunHistory, type RunRecord, type StoredIssue } from './state/run-history.ts'
export { sync } from './sync.ts'
export type { Progress, SyncOptions } from './sync-options.ts'
export { type Validation, validate } from './validate.ts'
