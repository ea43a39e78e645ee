const BATCH_WRITER = 'src/pipeline/batch-writer.ts'
const INTEND = `    lane.index.intend(
      sequence,
      batch.segment((index) => intent(lane.kind, batch.state(index))),
    )
`

/** Of reading, comparing, guarding, sending and remembering, whatever the destination. */
export const ENGINE_MUTANTS = {
  'acknowledgements only: nothing is intended before it is sent': {
    file: BATCH_WRITER,
    find: INTEND,
    put: '',
    tests: ['test/pipeline/batch-writer.test', 'test/simulation/fault-points'],
  },
  'intents are not on the disk when their batch is sent': {
    file: BATCH_WRITER,
    find: '    this.#commit()\n    this.#options.tally.inFlight++\n',
    put: '    this.#options.tally.inFlight++\n',
    tests: ['test/pipeline/batch-writer.test', 'test/simulation/fault-points'],
  },
  'any end of the model is taken for the end': {
    file: 'src/pipeline/guards.ts',
    find: 'if (!end.model.proven || !complete) {',
    put: 'if (!complete && end.rows === 0) {',
    tests: ['test/pipeline/guards', 'test/simulation/fault-points'],
  },
  'a connection that is lost is the end of the model': {
    file: 'src/connectors/postgres-row-stream.ts',
    find: "if (!committed) fail(error ?? new Error('the connection was closed'))",
    put: 'if (!committed) stream.push(null)',
    tests: ['test/connectors/postgres-interrupted'],
  },
  'the limit of deletes holds nothing': {
    file: 'src/pipeline/guards.ts',
    find: 'if (exceeds(deletes, inScope, limit)) {',
    put: 'if (exceeds(deletes, inScope, limit) && deletes < 0) {',
    tests: ['test/pipeline/guards', 'test/sync/modes'],
  },
  'rows without a key hold no deletes': {
    file: 'src/pipeline/guards.ts',
    find: 'if (end.unkeyed > 0 && !allow.deletesWithInvalid) {',
    put: 'if (end.unkeyed < 0 && !allow.deletesWithInvalid) {',
    tests: ['test/pipeline/guards', 'test/simulation/fault-points'],
  },
  'keys are compared as JavaScript compares texts': {
    file: 'src/core/key.ts',
    find: '  const aLength = aEnd - aStart\n  const bLength = bEnd - bStart\n',
    put: `  const [left, right] = [Buffer.from(a.subarray(aStart, aEnd)).toString(), Buffer.from(b.subarray(bStart, bEnd)).toString()]
  if (left !== right) return left < right ? -1 : 1
  const aLength = aEnd - aStart
  const bLength = bEnd - bStart
`,
    tests: ['test/core/key', 'test/sync/order', 'test/connectors/postgres-text-order'],
  },
  'a row out of order is passed over': {
    file: 'src/pipeline/keying.ts',
    find: 'if (order < 0) throw this.#outOfOrder(',
    put: 'if (order > 0) throw this.#outOfOrder(',
    tests: ['test/pipeline/keying', 'test/sync/order'],
  },
  'fewer answers than changes are as good as all': {
    file: 'src/pipeline/batch-sender.ts',
    find: 'if (outcomes.length === batch.count && !outcomes.includes(undefined)) return outcomes as readonly Outcome[]',
    put: `if (outcomes.length <= batch.count)
      return Array.from({ length: batch.count }, (_, index) => outcomes[index] ?? { status: 'done' }) as readonly Outcome[]`,
    tests: ['test/pipeline/batch-sender', 'test/simulation/fault-points'],
  },
  'an insert in doubt is sent again by the next run': {
    file: 'src/pipeline/run-pipeline.ts',
    find: 'return insertsTwice !== undefined && !resend',
    put: 'return insertsTwice !== undefined && resend',
    tests: ['test/sync/inserts-in-doubt'],
  },
  'a batch that is written while all wait is not flushed': {
    file: 'src/pipeline/batch-sender.ts',
    find: 'const answer = this.#waiting > 0 ?',
    put: 'const answer = this.#waiting < 0 ?',
    tests: ['test/pipeline/flush'],
  },
  'what is not answered counts as done': {
    file: BATCH_WRITER,
    find: 'settled(kind, batch.state(index), outcome, circumstances)',
    put: "settled(kind, batch.state(index), outcome ?? { status: 'done' }, circumstances)",
    tests: ['test/pipeline/batch-writer', 'test/simulation/fault-points'],
  },
  'a record is sent for whoever comes': {
    file: 'src/pipeline/claims.ts',
    find: 'if (owner !== undefined && !owner.equals(key)) {',
    put: 'if (owner !== undefined && owner.length === 0) {',
    tests: ['test/sync/record-links.test'],
  },
  'the record of a row with a new key is deleted': {
    file: 'src/pipeline/missing-records.ts',
    find: "if (links.wanted.has(key)) return 'taken'",
    put: "if (links.wanted.has(key) && key.length === 0) return 'taken'",
    tests: ['test/sync/record-links.test', 'test/sync/record-link-histories'],
  },
  'a claim ends before its change is answered': {
    file: 'src/pipeline/claims.ts',
    find: 'const identities = [...new Set([identity, ...(link?.identities ?? [])])]',
    put: 'const identities = [identity]',
    tests: ['test/sync/record-links.test', 'test/sync/record-link-histories'],
  },
  'links are not looked at before they are used': {
    file: 'src/state/record-links-file.ts',
    find: 'if (textOf(totals, this.#seed) !== stored)',
    put: "if (stored === 'never')",
    tests: ['test/state/record-links-file'],
  },
  'a segment is believed to have the checksum that it says it has': {
    file: 'src/state/layer.ts',
    find: 'if (data.readUInt32LE(end) !== words[0] || data.readUInt32LE(end + 4) !== words[1]) {',
    put: `words[0] = data.readUInt32LE(end)
  words[1] = data.readUInt32LE(end + 4)
  if (end < 0) {`,
    tests: ['test/state/key-index-file', 'test/sync/index-damage'],
  },
  'nobody looks whether the whole index was read': {
    file: 'src/state/layer.ts',
    find: '        this.#verifyWhole()\n',
    put: '',
    tests: ['test/state/key-index-file'],
  },
  'the layers of an index are believed as they are': {
    file: 'src/state/layer-store.ts',
    find: 'if (root !== this.#root()) throw damaged',
    put: "if (root === 'never') throw damaged",
    tests: ['test/state/key-index-file', 'test/sync/index-damage'],
  },
  'a batch into Postgres is no transaction': {
    file: 'src/connectors/postgres-writer.ts',
    find: 'const before = [BEGIN, ...plan.before, plan.copyToStage,',
    put: "const before = [BEGIN, ...plan.before, plan.copyToStage, 'COMMIT', BEGIN,",
    tests: ['test/connectors/postgres-destination', 'test/contract/postgres-destination'],
  },
  'a batch into SQLite is no transaction': {
    file: 'src/connectors/sqlite-writer.ts',
    find: "if (this.#database.inTransaction) this.#database.exec('ROLLBACK')",
    put: "if (this.#database.inTransaction) this.#database.exec('COMMIT')",
    tests: ['test/connectors/sqlite', 'test/contract/sqlite-destination'],
  },
  'two runs of a sync do not keep each other out': {
    file: 'src/state/state-file.ts',
    find: "database.pragma('locking_mode = EXCLUSIVE')",
    put: "database.pragma('locking_mode = NORMAL')",
    tests: ['test/sync/racing', 'test/state/key-index-file'],
  },
}
