import { Writable } from 'node:stream'
import type { Field, Operation } from '../core/change.ts'
import { CHANGE_INSERT, CHANGE_NOTE, type DiffBatch, type EndOfDiff } from '../core/diff-batch.ts'
import { FatalError } from '../core/errors.ts'
import { ADOPTED, type EntryState, SEEN, SegmentBuilder, SegmentReader } from '../core/key-entry.ts'
import type { Lane } from '../core/key-index.ts'
import { printKey } from '../core/key-text.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import { type Claim, Claims, isAnothers, type Refusal } from './claims.ts'
import { countOutcome } from './count-outcome.ts'
import { DeleteLines } from './delete-lines.ts'
import { type ChangeOf, intent, settled } from './entry-transitions.ts'
import { MissingRecords } from './missing-records.ts'
import { ParkedBatches } from './parked-batches.ts'
import { PendingBatch } from './pending-batch.ts'
import { sendChanges } from './send-changes.ts'
import { sendClaimed } from './send-claimed.ts'
import type { WriterOptions } from './writer-options.ts'

/** Where a destination may gather more changes than that, they wait on the disk. */
const MOST_IN_MEMORY = 20_000

/** Where a hundred batches may be answered at once, the entries and links of so many changes wait for a commit. */
const MOST_UNKEPT = 4_000

/** Changes of one kind on their way: a lane of the index and the batch that is being filled. */
interface WriteLane {
  readonly kind: ChangeOf
  readonly operation: Operation
  readonly fields: readonly Field[]
  readonly index: Lane
  sequence: number
  pending: PendingBatch
}

/**
 * Batches changes and writes them, `limits.inFlight` batches at a time. The order of events for each batch is the
 * promise of the whole product:
 *
 * 1. its keys are marked unsure in the index, in the same commit as the answers that have come in since the last;
 * 2. only then is it sent;
 * 3. what was acknowledged is staged for the next commit; what was rejected gets back what the index knew before;
 *    what is not known stays unsure, and the next run meets it again.
 *
 * Missing keys are spooled and sent last, if the guards agree.
 */
export class BatchWriter extends Writable {
  readonly #options: WriterOptions
  readonly #inserts: WriteLane
  readonly #updates: WriteLane
  readonly #deletes: WriteLane
  readonly #notes: { lane: Lane; builder: SegmentBuilder; sequence: number }
  readonly #claims: Claims | undefined
  readonly #disk: ParkedBatches | undefined
  readonly #free: PendingBatch[] = []
  readonly #inFlight = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined
  #answered = 0
  /** How many of those since the last commit. */
  #unkept = 0
  #end: EndOfDiff | undefined

  constructor(options: WriterOptions) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#options = options
    const { mapping, mode, index, sender, limits, scratch } = options
    const isMuch = sender.gathers && limits.rows * limits.inFlight > MOST_IN_MEMORY
    this.#disk = isMuch && scratch !== undefined ? new ParkedBatches(scratch) : undefined
    const lane = (kind: WriteLane['kind'], operation: Operation, fields: readonly Field[]): WriteLane => {
      return { kind, operation, fields, index: index.lane(), sequence: 0, pending: new PendingBatch(this.#disk) }
    }
    this.#inserts = lane('insert', SYNC_MODES[mode].update ? 'upsert' : 'insert', mapping.fields)
    this.#updates = lane('update', 'update', mapping.fields)
    this.#deletes = lane('delete', options.deletes === 'remove' ? 'delete' : 'update', mapping.deleteFields)
    this.#notes = { lane: index.lane(), builder: new SegmentBuilder(), sequence: 0 }
    this.#claims = options.records && new Claims(options.records, options.encodings, options.resend)
  }

  override _write(diff: DiffBatch, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#take(diff).then(() => callback(), callback)
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#finish().then(() => callback(), callback)
  }

  /** Waits for the answers to what was sent and keeps them, whatever the reason for the end. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Rows may still be on their way into batches: they find the failure before their next send.
    if (error !== null) this.#failure ??= { error }
    this.#settle().then(
      () => callback(error),
      (failure: Error) => callback(error ?? failure),
    )
  }

  async #take(diff: DiffBatch): Promise<void> {
    const { keyed, count, rows, kinds, previous, previousPrints } = diff
    const { keys, keyEnds, prints } = keyed
    const { bytes, offsets } = keyed.rows
    const { mapping, limits, encodings, tally } = this.#options
    const claims = this.#claims
    for (let index = 0; index < count; index++) {
      const row = rows[index] as number
      const keyStart = row === 0 ? 0 : (keyEnds[row - 1] as number)
      const keyEnd = keyEnds[row] as number
      if (kinds[index] === CHANGE_NOTE) {
        this.#note(keys, keyStart, keyEnd)
        continue
      }
      const lane = kinds[index] === CHANGE_INSERT ? this.#inserts : this.#updates
      const start = offsets[row] as number
      const end = offsets[row + 1] as number
      const mapped = mapping.passes >= 0 ? undefined : mapping.map(bytes, start, end)
      const from = mapped === undefined ? mapping.passFrom(bytes, start) : start
      let claim: Claim | Refusal | undefined = mapped !== undefined && 'code' in mapped ? mapped : undefined
      const line = mapped !== undefined && 'line' in mapped ? mapped.line : undefined
      if (claims !== undefined && claim === undefined) {
        const sent = line === undefined ? bytes : Buffer.from(line)
        const [first, last] = line === undefined ? [from, end] : [0, sent.length]
        claim = claims.claim(keys.subarray(keyStart, keyEnd), sent, first, last)
      }
      if (claim !== undefined && 'code' in claim) {
        const key = printKey(encodings, keys.subarray(keyStart, keyEnd))
        const payload = bytes.toString('utf8', start, end - 1)
        tally.invalid({ key, code: claim.code, message: claim.message, payload })
        // The model holds the key of an adopted record, even if its row cannot be sent.
        if (previous[index] === ADOPTED) this.#note(keys, keyStart, keyEnd)
        continue
      }
      const length = line === undefined ? end - from : Buffer.byteLength(line)
      if (!this.#fits(lane, length)) await this.#dispatch(lane)
      if (line === undefined) lane.pending.addBytes(bytes, from, end)
      else lane.pending.addLine(line)
      if (claim !== undefined) lane.pending.claims.push(claim)
      lane.pending.describe(
        keys,
        keyStart,
        keyEnd,
        previous[index] as EntryState,
        previousPrints[index * 2] as number,
        previousPrints[index * 2 + 1] as number,
        prints[row * 2] as number,
        prints[row * 2 + 1] as number,
      )
      if (lane.pending.count >= limits.rows) await this.#dispatch(lane)
    }
    if (diff.missing !== null) this.#options.spool.append(diff.missing)
    if (diff.end !== null) this.#end = diff.end
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #finish(): Promise<void> {
    const { tally, spool, judge } = this.#options
    await this.#dispatch(this.#inserts)
    await this.#dispatch(this.#updates)
    await this.#settle()
    if (this.#end === undefined) {
      throw new FatalError('source_incomplete', 'the source stopped without saying that this was all; run again')
    }
    const missing = this.#missing()
    const { deletes, taken } = missing?.count() ?? { deletes: spool.count, taken: 0 }
    const verdicts = judge(this.#end, deletes)
    tally.guards.push(...verdicts)
    if (missing !== undefined) {
      // Another row gets the record of a key on the same proof as it would be deleted, however many there are.
      const isGone = judge(this.#end, taken).every(({ guard }) => guard === 'max_deletes')
      missing.release({ taken: isGone, unsent: verdicts.length === 0 })
    }
    if (verdicts.length > 0) tally.counts.held += deletes
    else await this.#sendDeletes(missing)
    await this.#settle()
  }

  #missing(): MissingRecords | undefined {
    const { records, encodings, index, mode, scope, spool, tally } = this.#options
    return records && new MissingRecords({ ...records, encodings, index, mode, scope, spool, tally })
  }

  async #sendDeletes(missing: MissingRecords | undefined): Promise<void> {
    const { mapping, encodings, spool, limits } = this.#options
    const lane = this.#deletes
    const line = new DeleteLines(mapping, encodings)
    for (const segment of spool.read()) {
      const entry = new SegmentReader(segment.bytes)
      while (entry.next()) {
        const { bytes, keyStart, keyEnd, state, printHigh, printLow } = entry
        const target = missing?.target(entry)
        if (missing !== undefined && target === undefined) continue
        line.write(bytes, keyStart, keyEnd, target?.match)
        if (!this.#fits(lane, line.end - line.start)) await this.#dispatch(lane)
        lane.pending.addBytes(line.bytes, line.start, line.end)
        lane.pending.describe(bytes, keyStart, keyEnd, state, printHigh, printLow, 0, 0)
        if (lane.pending.count >= limits.rows) await this.#dispatch(lane)
      }
    }
    await this.#dispatch(lane)
  }

  /** Whether a line of that many bytes may join the batch. A line above the limit goes alone. */
  #fits({ pending }: WriteLane, bytes: number): boolean {
    return pending.count === 0 || pending.bytes + bytes <= this.#options.limits.bytes
  }

  #note(keys: Buffer, start: number, end: number): void {
    const notes = this.#notes
    notes.builder.push(SEEN, keys, start, end, 0, 0)
    if (notes.builder.length >= 64 * 1024) notes.lane.put(notes.sequence++, notes.builder.take())
  }

  /** Sends what the lane has gathered, as soon as there is room for one more batch in flight. */
  async #dispatch(lane: WriteLane): Promise<void> {
    if (lane.pending.count === 0) return
    const { sender, limits } = this.#options
    while (this.#inFlight.size >= limits.inFlight) await sender.nextOf(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure.error
    this.#options.signal.throwIfAborted()
    const batch = lane.pending
    lane.pending = this.#free.pop() ?? new PendingBatch(this.#disk)
    const sequence = lane.sequence++
    lane.index.intend(
      sequence,
      batch.segment((index) => intent(lane.kind, batch.state(index))),
    )
    // Behind it: a link whose entry could not be staged would keep its identity from all other rows.
    this.#claims?.intend(lane.kind, lane.operation, batch)
    this.#commit()
    this.#options.tally.inFlight++
    const work = this.#send(lane, sequence, batch).catch((error: unknown) => {
      this.#failure ??= { error }
    })
    const tracked = work.finally(() => {
      this.#inFlight.delete(tracked)
      this.#options.tally.inFlight--
    })
    this.#inFlight.add(tracked)
  }

  async #send(lane: WriteLane, sequence: number, batch: PendingBatch): Promise<void> {
    const { sender, mode, watch, deletes, index: file, tally, encodings } = this.#options
    const { operation, fields, kind } = lane
    const claims = this.#claims
    const how = { operation, fields, recreates: kind === 'update' && SYNC_MODES[mode].insert }
    const { outcomes, retried, unapplied, created, error } =
      claims === undefined || kind === 'delete'
        ? await sendChanges(sender, batch, how)
        : await sendClaimed(sender, batch, how, { claims, commit: () => file.commit() })
    for (let index = 0; index < batch.count; index++) {
      const outcome = outcomes[index]
      if (outcome !== undefined) countOutcome(tally, encodings, lane, batch, index, outcome, created.has(index))
    }
    const entry = (index: number) => {
      const outcome = outcomes[index]
      const circumstances = {
        // What an update was to change is another key's record now.
        retried: retried[index] === true || (kind === 'update' && !created.has(index) && isAnothers(outcome)),
        unapplied: unapplied[index] === true,
        absent: created.has(index),
        deletes,
      }
      const after = settled(kind, batch.state(index), outcome, circumstances)
      claims?.settle(kind, batch, index, { ...circumstances, outcome, entry: after })
      return after
    }
    lane.index.put(sequence, batch.segment(entry))
    this.#answered += batch.count
    this.#unkept += batch.count
    if ((claims ?? this.#disk) !== undefined && this.#unkept >= MOST_UNKEPT) this.#commit()
    batch.reset()
    this.#free.push(batch)
    if (error !== undefined) throw error
    watch(this.#answered)
  }

  #commit(): void {
    this.#options.index.commit()
    this.#unkept = 0
  }

  /** Waits for everything in flight and makes the answers durable. Throws what made a batch fail. */
  async #settle(): Promise<void> {
    while (this.#inFlight.size > 0) await this.#options.sender.nextOf(this.#inFlight)
    if (this.#notes.builder.count > 0) this.#notes.lane.put(this.#notes.sequence++, this.#notes.builder.take())
    this.#commit()
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
