import assert from 'node:assert/strict'
import { httpDestination } from '../../src/connectors/http-destination.ts'
import { hubspotDestination } from '../../src/connectors/hubspot-destination.ts'
import { salesforceDestination } from '../../src/connectors/salesforce-destination.ts'
import type { DestinationDefinition } from '../../src/core/destination.ts'
import type { RequestGate } from '../../src/core/request-gate.ts'
import { type ConfigInput, FatalError, type Report, type RowIssue, sync } from '../../src/index.ts'
import { restore, type Snapshot, snapshotOf } from '../simulation/state-snapshot.ts'
import type { CrmRow } from './crm-oracle.ts'
import type { CrmJournal, CrmRecord, CrmTarget } from './crm-target.ts'
import { type MapSource, mapSource } from './map-source.ts'
import { memoryFolder } from './memory-folder.ts'
import { column } from './row-batches.ts'
import { virtualClock } from './virtual-clock.ts'

/** Where a run is killed: before a request leaves, when it is on its way, or as its answer is there. */
export interface CrmDeath {
  readonly request: number
  readonly moment: 'before' | 'sent' | 'answered'
}

export interface CrmRun {
  readonly report: Report
  readonly issues: readonly RowIssue[]
  readonly killed: boolean
}

export interface CrmHistory extends Disposable {
  readonly model: Map<string, CrmRow>
  run(plan?: {
    readonly death?: CrmDeath | undefined
    readonly batch?: { size: number; concurrency: number }
  }): Promise<CrmRun>
}

// biome-ignore lint/suspicious/noExplicitAny: each has options of its own
const DEFINITIONS: Readonly<Record<CrmTarget['kind'], DestinationDefinition<any>>> = {
  hubspot: hubspotDestination,
  salesforce: salesforceDestination,
  http: httpDestination,
}

/** A model in memory that is synced to a simulator, and what nobody may ever do to the simulator's records. */
export function crmHistory(target: CrmTarget, mode: 'mirror' | 'upsert', connection: object): CrmHistory {
  const folder = memoryFolder()
  const state = folder.file('state')
  const source = mapSource([column('id', 'integer'), column('email'), column('name')])
  // An address as the key is a field like any other.
  source.extraKey = target.sync.key === 'id'
  const model = new Map<string, CrmRow>()
  const witness = witnessOf(target, mode)
  return {
    model,
    async run({ death, batch } = {}) {
      const { report, issues, killed } = await runOnce(target, source, [...model.values()], {
        config: configOf(target, state, { mode, connection, batch }),
        state,
        death,
      })
      await quiet(target)
      if (!killed) assertCounts(report, issues)
      await witness.look(model)
      if (report.status === 'succeeded' && !killed) await assertDelivered(target, model)
      return { report, issues, killed }
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

interface ConfigParts {
  readonly mode: 'mirror' | 'upsert'
  readonly connection: object
  readonly batch: { size: number; concurrency: number } | undefined
}

function configOf({ sync: own, connection }: CrmTarget, state: string, parts: ConfigParts): ConfigInput {
  return {
    version: 1,
    state,
    connections: { from: 'rows:', crm: connection(parts.connection) },
    syncs: {
      people: {
        source: { connection: 'from', table: 'model' },
        key: own.key,
        mode: parts.mode,
        destination: { connection: 'crm', object: own.object, match: own.match },
        fields: own.fields,
        guards: { max_deletes: '100%' },
        ...(parts.batch !== undefined && { batch: parts.batch }),
      },
    },
  } as ConfigInput
}

async function runOnce(
  { kind }: CrmTarget,
  source: MapSource,
  rows: readonly CrmRow[],
  {
    config,
    state,
    death,
  }: { readonly config: ConfigInput; readonly state: string; readonly death: CrmDeath | undefined },
): Promise<CrmRun> {
  source.rows = rows.map(({ id, email, name }) => [id, email, name])
  const issues: RowIssue[] = []
  let atTheKill: Snapshot | undefined
  const die = () => {
    atTheKill ??= snapshotOf(state)
  }
  const definition = DEFINITIONS[kind]
  const mortal: typeof definition = {
    ...definition,
    open: (options, request, context) =>
      definition.open(options, request, { ...context, gate: mortalGate(context.gate, death, die) }),
  }
  const report = await sync(config, {
    sources: [source.definition],
    destinations: [mortal],
    clock: virtualClock(),
    allowEmpty: true,
    onIssue: (issue) => issues.push(issue),
  })
  if (atTheKill !== undefined) restore(state, atTheKill)
  return { report, issues, killed: atTheKill !== undefined }
}

/** A process that dies there sends nothing more, and nothing that it does then is kept. */
function mortalGate(gate: RequestGate, death: CrmDeath | undefined, die: () => void): RequestGate {
  if (death === undefined) return gate
  let passed = 0
  let dead = false
  return {
    async enter(signal) {
      const pass = dead ? undefined : await gate.enter(signal)
      const isLast = ++passed === death.request
      if (pass === undefined || dead || (isLast && death.moment === 'before')) {
        if (!dead) die()
        dead = true
        pass?.leave()
        throw new FatalError('killed', 'killed; run again')
      }
      if (!isLast) return pass
      if (death.moment === 'sent') {
        die()
        dead = true
        return pass
      }
      return {
        leave(seen) {
          pass.leave(seen)
          if (!dead) die()
          dead = true
        },
      }
    },
  }
}

/** Nothing that a run has sent is still on its way. */
async function quiet(target: CrmTarget): Promise<void> {
  for (;;) {
    const { under_way: open } = (await target.door('counts')) as { under_way: number }
    if (open === 0) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function assertCounts({ counts, status }: Report, issues: readonly RowIssue[]): void {
  const { read, inserted, updated, unchanged, skipped, invalid, rejected } = counts
  const { missing, deleted, kept, held, delete_rejected: undeleted } = counts
  const [rows, gone] = [
    inserted + updated + unchanged + skipped + invalid + rejected,
    deleted + kept + held + undeleted,
  ]
  const text = JSON.stringify(counts)
  if (status === 'failed') assert.ok(rows <= read && gone <= missing, text)
  else assert.deepEqual([rows, gone], [read, missing], text)
  assert.equal(issues.length, invalid + rejected + undeleted, `${issues.length} reasons for ${text}`)
  for (const { code, message, key } of issues)
    assert.ok(code !== '' && message !== '' && key !== null, JSON.stringify(issues))
}

/** Success means delivered: there is one record for each row, as it is. */
async function assertDelivered(target: CrmTarget, model: ReadonlyMap<string, CrmRow>): Promise<void> {
  const printed = ({ ref, email, name }: Pick<CrmRecord, 'ref' | 'email' | 'name'>) => `${ref} ${email} ${name}`
  const records = (await target.records()).map(printed)
  for (const { id, email, name } of model.values()) {
    const found = records.filter((one) => one === printed({ ref: id, email, name }))
    assert.equal(found.length, 1, `${found.length} records of row ${id} ${email} ${name} in ${records.join(', ')}`)
  }
}

/** Follows the journal: whatever is deleted has to be of a row that the model held, and does not hold now. */
function witnessOf(target: CrmTarget, mode: 'mirror' | 'upsert') {
  const values = new Map<string, Record<string, unknown>>()
  /** What rows of the model ever were. */
  const held = { ref: new Set<string>(), email: new Set<string>() }
  let last = 0
  const recordOf = (id: string) => target.read(id, values.get(id) ?? {})

  function check(id: string, model: ReadonlyMap<string, CrmRow>): void {
    const { ref, email, name } = recordOf(id)
    const said = `record ${id} (${ref} ${email} ${name})`
    assert.equal(mode, 'mirror', `${said} is deleted in mode ${mode}`)
    const wasHeld = (ref !== null && held.ref.has(ref)) || (email !== null && held.email.has(email.toLowerCase()))
    assert.ok(wasHeld, `${said} is deleted, and no row ever was it`)
    const row = ref === null ? undefined : model.get(ref)
    if (row === undefined) return
    // Where records are found by their address, one that was handed on names the row before until it is written again.
    const handedOn =
      target.sync.foundBy === 'email' && [...values.keys()].some((other) => other !== id && recordOf(other).ref === ref)
    assert.ok(handedOn, `${said} is deleted, and the model has row ${row.id} ${row.email}`)
  }

  return {
    async look(model: ReadonlyMap<string, CrmRow>) {
      for (const { id, email } of model.values()) {
        held.ref.add(id)
        held.email.add(email.toLowerCase())
      }
      const journal: CrmJournal = await target.journal(last)
      last = journal.last
      for (const { id, change, values: set = {} } of journal.writes) {
        if (change === 'deleted' || change === 'archived') {
          check(id, model)
          values.delete(id)
        } else values.set(id, { ...values.get(id), ...set })
      }
    },
  }
}
