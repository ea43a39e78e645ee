/** The public API: everything the command line uses, and nothing more. */

export { loadConfig } from './config/load.ts'
export { ConfigurationProblems } from './config/problem.ts'
export { resolveConfig } from './config/resolve.ts'
export type { Config } from './config/resolved.ts'
export { type ConfigInput, defineConfig, jsonSchema } from './config/schema.ts'
export { secretsOf } from './config/secrets.ts'
export { rowBatchOf } from './connectors/row-batch-of.ts'
export type { ChangeBatch, Field, Operation } from './core/change.ts'
export { type Clock, systemClock } from './core/clock.ts'
export type { Column, KeyEncoding, ValueKind } from './core/column.ts'
export { decodeRow, encodeRow } from './core/copy-text.ts'
export {
  type Destination,
  type DestinationContext,
  type DestinationDefinition,
  defineDestination,
  type KeyList,
  type Limits,
  type ObjectDeclaration,
  type ObjectRequest,
  type SeenRequest,
} from './core/destination.ts'
export { suggestion } from './core/did-you-mean.ts'
export type { DiffBatch, EndOfDiff } from './core/diff-batch.ts'
export { BatchRefusedError, configurationError, FatalError, RetryableError, UnansweredError } from './core/errors.ts'
export type { DeletesAs, FieldMapping } from './core/field-mapping.ts'
export type { Segment } from './core/key-entry.ts'
export type { KeyIndex, KeyScan, Lane } from './core/key-index.ts'
export type { KeySpool } from './core/key-spool.ts'
export { printKey } from './core/key-text.ts'
export type { KeyedBatch } from './core/keyed-batch.ts'
export { DONE, EXISTS, NOT_FOUND, type Outcome } from './core/outcome.ts'
export type { DestinationNotes } from './core/record-links.ts'
export type { Counts, GuardVerdict, Report, ReportedError, RequestCounts, RowIssue, RunStatus } from './core/report.ts'
export type { LimitsSeen, Pass, Rate, RequestGate } from './core/request-gate.ts'
export type { EndOfModel, RowBatch, RowLayout } from './core/row-batch.ts'
export type { ScratchFile } from './core/scratch-file.ts'
export {
  defineSource,
  type ModelPart,
  type ModelRequest,
  type Reading,
  type ReadRequest,
  type Source,
  type SourceDefinition,
} from './core/source.ts'
export { type DeleteScope, SYNC_MODES, type SyncMode } from './core/sync-mode.ts'
export { Tally } from './core/tally.ts'
export type { BenchLimit } from './engine/bench-limit.ts'
export type { BenchRun, BenchWork, StageTime } from './engine/bench-run.ts'
export {
  type BenchModelOptions,
  type BenchOptions,
  type BenchResult,
  type BenchSyncOptions,
  benchModel,
  benchSync,
} from './engine/bench-sync.ts'
export { type CheckConnectionsOptions, checkConnections } from './engine/check-connections.ts'
export { type ConnectorInfo, listConnectors } from './engine/connectors-list.ts'
export {
  type EntryStateName,
  forgetIndex,
  type IndexDetails,
  type IndexOptions,
  indexSummary,
  type RebuiltIndex,
  rebuildIndex,
} from './engine/index-admin.ts'
export { identifyObject } from './engine/open-ends.ts'
export { type Preview, type PreviewOptions, type PreviewRow, preview } from './engine/preview.ts'
export {
  findRun,
  lastRunWithIssues,
  type RunFilter,
  runHistory,
  runIssues,
  type SyncStatus,
  syncStatus,
} from './engine/run-records.ts'
export type { TimedPart } from './engine/stage-clock.ts'
export type { Progress, SyncOptions } from './engine/sync-options.ts'
export { type Validation, validate } from './engine/validate.ts'
export { BatchSender, type Changes, type SenderOptions } from './pipeline/batch-sender.ts'
export { BatchWriter } from './pipeline/batch-writer.ts'
export type { ChangeSample } from './pipeline/dry-run.ts'
export type { Exchange } from './pipeline/exchange.ts'
export { type Allowances, type DeleteQuestion, judgeDeletes, type Threshold } from './pipeline/guards.ts'
export { KeySelection } from './pipeline/key-selection.ts'
export { keying } from './pipeline/keying.ts'
export { mergeDiff } from './pipeline/merge-diff.ts'
export { modeFilter } from './pipeline/mode-filter.ts'
export type { Observe, StageName } from './pipeline/observe.ts'
export { describePart, partOfModel, type RowPart } from './pipeline/part-of-model.ts'
export { type GateUser, PacedGate } from './pipeline/request-gate.ts'
export { DEFAULT_RETRY, type RetryPolicy } from './pipeline/retry.ts'
export { compileMapping, RowMapping } from './pipeline/row-mapping.ts'
export { type SortingOptions, sorting } from './pipeline/sorting.ts'
export type { WriterOptions } from './pipeline/writer-options.ts'
export type { IndexOverview } from './state/index-overview.ts'
export { KeyIndexFile } from './state/key-index-file.ts'
export { KeySpoolFile } from './state/key-spool-file.ts'
export { openRunHistory, type RunHistory, type RunRecord, type StoredIssue } from './state/run-history.ts'
export { sync } from './sync.ts'
