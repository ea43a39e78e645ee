import type { ZodType } from 'zod'
import type { ChangeBatch, Field } from './change.ts'
import type { Clock } from './clock.ts'
import type { KeyEncoding } from './column.ts'
import type { Outcome } from './outcome.ts'
import type { DestinationNotes } from './record-links.ts'
import type { Rate, RequestGate } from './request-gate.ts'
import type { RowBatch } from './row-batch.ts'
import type { SyncMode } from './sync-mode.ts'

/** What one batch may hold and how many may be under way at once. The engine batches; a connector never does. */
export interface Limits {
  readonly rows: number
  readonly bytes: number
  readonly inFlight: number
}

/** What an object of a destination can do, as data: validation, batching, docs and contract cases come from it. */
export interface ObjectDeclaration {
  readonly syncModes: readonly SyncMode[]
  /** Why it does not have one of the other modes, where that is worth saying: part of a sentence. */
  readonly refusedModes?: Readonly<Partial<Record<SyncMode, string>>>
  readonly limits: Limits
  /** People edit it by hand too: deletes have scope `seen` unless asked otherwise. */
  readonly shared: boolean
  /** How it lists its keys: sorted in one scan, by many calls, or not at all. */
  readonly lists: 'cheap' | 'paged' | 'never'
  /** Fields that can find a record, or `any`: every field may, as long as it is unique. */
  readonly match: readonly string[] | 'any'
  /** `delete` and, where the system knows it, `archive`. Clearing and soft deletes are updates: always possible. */
  readonly deletesAs: readonly ('delete' | 'archive')[]
  /** Can make the object when it is missing (`create: true`). */
  readonly creates: boolean
  /**
   * Knows records by an id of its own. The key index keeps it: changes carry it, and `match` need not be the key. Default:
   * false.
   */
  readonly links?: boolean
  /**
   * What becomes of an insert that is sent again after a lost answer: it is refused or recognised (`once`), or there are
   * two records (`twice`). Where it is `twice`, the engine never sends it again without being told to. Default: `once`.
   */
  readonly insertsAgain?: 'once' | 'twice'
}

/** The object of one sync, as the destination has to prepare for it. */
export interface ObjectRequest {
  readonly name: string
  readonly mode: SyncMode
  /** What inserts and updates carry; the first `match.length` are the match fields, in key order. */
  readonly fields: readonly Field[]
  readonly match: readonly string[]
  /** How each match field is encoded in the key: the order in which `list` has to be sorted. */
  readonly keyEncodings: readonly KeyEncoding[]
  readonly create: boolean
  readonly deletesAs: 'delete' | 'archive'
  /** Fields that are set instead of deleting a record (`deletes.as: clear`, soft deletes): deletes are updates then. */
  readonly retires?: readonly string[]
}

/** What the engine lends to a destination that is reached over requests. */
export interface DestinationContext {
  /** Every request passes here, and is counted here: one gate for all that share the credential. */
  readonly gate: RequestGate
  readonly clock: Clock
  /** For jobs that outlive a crash. In a dry run nothing stays. */
  readonly notes: DestinationNotes
  /** Told of each request that holds no credential, for a look at few changes. */
  readonly onRequest?: ((seen: SeenRequest) => void) | undefined
}

/** A request and its answer, as a text for people: without headers, and cut where they are long. */
export interface SeenRequest {
  /** Method, host and path, then the body. */
  readonly request: string
  /** Status and body; null where no whole answer came. */
  readonly response: string | null
}

/** The keys a destination holds now. */
export interface KeyList {
  /** Whether `rows` ascend in the byte order of the requested encodings; the engine sorts them otherwise. */
  readonly sorted: boolean
  /** Lines of the match fields alone, in key order. The last batch has `end`, as in a source. */
  readonly rows: AsyncIterable<RowBatch>
}

/** An open destination object. Calls of `write` may overlap up to `limits.inFlight`. */
export interface Destination extends AsyncDisposable {
  /**
   * Looks at the object without changing anything: it exists (or will be created), has the fields, accepts them,
   * grants what the mode needs. Throws FatalError that names everything wrong, RetryableError where it may be asked
   * again, and the reason of the signal where that aborts meanwhile. The notes are for `plan`.
   */
  check(signal?: AbortSignal): Promise<readonly string[]>
  /**
   * Whose records they are, where a credential and not the connection's place decides it: `HubSpot account 1234567`. Asked
   * after `check`; undefined where the credential may not read it. An index belongs to one account.
   */
  account?(): string | undefined
  /**
   * Makes what is missing (`create: true`), and says so: nothing that an index knows of the object holds any more.
   * Called before the first list or write, and again only where it threw RetryableError, having made nothing; never in
   * a dry run. The signal ends what it waits for; what it makes, it makes whole.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most destinations make nothing and have nothing to say
  prepare(signal?: AbortSignal): Promise<'created' | void>
  /**
   * Applies a batch and answers one outcome per change, in order. Throws RetryableError where the batch may be
   * sent again as it is, UnansweredError where nobody knows whether it was applied, BatchRefusedError where it has to be
   * split, FatalError where the user must act. Where inserts count twice when they are sent twice, all but UnansweredError
   * say that nothing of the batch was applied.
   */
  write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]>
  /**
   * The engine waits for answers and sends nothing more until some have come. For destinations that gather what is
   * written into larger units of their own: every batch whose `write` was called before is to be sent now. It comes again
   * when a batch is written while the engine waits. Throws nothing: what goes wrong is the answer of a `write`.
   */
  flush?(): void
  /**
   * What this destination compares when it matches: equal texts are one record (`a@b.c` for `A@b.c`). Values are those of
   * the match fields, in their order. Default: the values as they are.
   */
  identity?(values: readonly (string | null)[]): string
  /**
   * Only where declared. Throws FatalError where a key cannot be expressed in the encodings. Where it, or the first
   * step of its rows, throws RetryableError, it is asked again.
   */
  list?(signal: AbortSignal): KeyList
}

/** A system that records can be written to: data plus one function. */
export interface DestinationDefinition<Options = unknown> {
  readonly type: string
  /** Schemes of the URL form of a connection, without colon; the URL is passed as option `url`. */
  readonly schemes: readonly string[]
  readonly options: ZodType<Options>
  /** Makes relative paths in the options absolute. */
  locate?(options: Options, baseDirectory: string): Options
  object(name: string, options: Options): ObjectDeclaration
  /** What makes two connections the same place, without secrets: an index belongs to one place. */
  identity(options: Options): string
  /**
   * For destinations that are reached over requests: whose limits these are, without secrets in it, and what they are.
   * The engine then counts requests at the gate and not batches.
   */
  pacing?(options: Options): { readonly credential: string; readonly rates: readonly Rate[] }
  open(options: Options, object: ObjectRequest, context: DestinationContext): Promise<Destination>
}

/** Declares a destination; the identity function, there for its types. */
export function defineDestination<Options>(definition: DestinationDefinition<Options>): DestinationDefinition<Options> {
  return definition
}
