import assert from 'node:assert/strict'
import type { ValueKind } from '../core/column.ts'
import { decodeRow } from '../core/copy-text.ts'
import { messageOf } from '../core/errors.ts'
import type { EndOfModel, RowBatch } from '../core/row-batch.ts'
import type { ModelRequest, Reading, Source } from '../core/source.ts'
import { given } from './contract-case.ts'
import type { ContractRecord } from './contract-record.ts'
import type { SourceContract } from './source-contract.ts'

/** One case's view of the source. */
export interface SourceTrial {
  readonly contract: SourceContract
  readonly columns: readonly string[]
  readonly keys: readonly (readonly string[])[]
  /** The first of {@link keys}. */
  readonly key: readonly string[]
  columnOf(kind: ValueKind): string | undefined
  rows(count: number): ContractRecord[]
  fill(rows: readonly ContractRecord[]): Promise<void>
  open(options?: unknown, model?: Partial<ModelRequest>): Promise<Source>
  /** Begins to read; all columns by the first key where nothing else is asked. */
  begin(source: Source, request?: Partial<Parameters<Source['read']>[0]>): Promise<Reading>
  /** Opens the source, reads the model to its end and closes it again. */
  read(request?: Partial<Parameters<Source['read']>[0]>): Promise<ReadModel>
}

/** A model as it was read. */
export interface ReadModel {
  readonly layout: Reading['layout']
  readonly sorted: boolean
  readonly batches: readonly RowBatch[]
  /** By column, without the fields that hold key text only. */
  readonly records: readonly ContractRecord[]
  readonly end: EndOfModel
}

export function openSourceTrial(contract: SourceContract): SourceTrial {
  const columns = Object.keys(contract.columns)
  const columnOf = (kind: ValueKind) => columns.find((name) => contract.columns[name] === kind)
  const keys = contract.keys ?? defaultKeys(columnOf('integer'), columnOf('text'))
  assert.ok(keys.length > 0, 'the contract has neither an integer nor a text column: give it `keys`')
  const trial: SourceTrial = {
    contract,
    columns,
    keys,
    key: keys[0] as readonly string[],
    columnOf,
    rows: (count) => Array.from({ length: count }, (_, n) => contract.row(n)),
    fill: (rows) => contract.fill(rows),
    async open(options, model) {
      const written = options ?? (await given(contract.options))
      const read = await contract.source.options.safeParseAsync(written)
      assert.ok(read.success, `the options of the contract are not what the source takes: ${messageOf(read.error)}`)
      return contract.source.open(contract.source.locate?.(read.data, process.cwd()) ?? read.data, {
        params: {},
        read: 'auto',
        idleTimeoutMs: 30_000,
        ...(model ?? (await given(contract.model))),
      })
    },
    async begin(source, request = {}) {
      // The engine asks for the columns before it reads, always.
      await source.describe()
      return source.read({ key: trial.key, columns, signal: new AbortController().signal, ...request })
    },
    async read(request) {
      await using source = await trial.open()
      return await collect(await trial.begin(source, request))
    },
  }
  return trial
}

async function collect({ layout, rows, sorted = true }: Reading): Promise<ReadModel> {
  const batches: RowBatch[] = []
  for await (const batch of rows) batches.push(batch as RowBatch)
  const end = batches.at(-1)?.end
  assert.ok(end !== undefined, 'the stream just stopped: its last batch has to carry an end')
  return { layout, sorted, batches, records: batches.flatMap((batch) => recordsOf(batch, layout)), end }
}

/** The rows of a batch by column. Fails where the batch is not made as the port says. */
export function recordsOf(batch: RowBatch, layout: Reading['layout']): ContractRecord[] {
  const { bytes, offsets, count } = batch
  assert.ok(offsets.length > count, `${offsets.length} offsets for ${count} rows: one more is needed`)
  return Array.from({ length: count }, (_, row) => {
    const [from, to] = [offsets[row] as number, offsets[row + 1] as number]
    assert.ok(from < to && to <= bytes.length, `row ${row} is at ${from} to ${to} of ${bytes.length} bytes`)
    assert.equal(bytes[to - 1], 10, `row ${row} does not end in a newline`)
    const fields = decodeRow(bytes, from, to)
    assert.equal(fields.length, layout.extra + layout.columns.length, `row ${row} has ${fields.length} fields`)
    return Object.fromEntries(layout.columns.map(({ name }, at) => [name, fields[layout.extra + at] ?? null]))
  })
}

function defaultKeys(integer: string | undefined, text: string | undefined): (readonly string[])[] {
  const single = [integer, text].filter((name) => name !== undefined).map((name) => [name])
  return integer === undefined || text === undefined ? single : [...single, [text, integer]]
}
