const SENDING = 'src/connectors/http-sending.ts'
const ROWS = 'src/connectors/http-row-outcomes.ts'
const VERDICT = 'src/connectors/http-verdict.ts'

const OUTCOMES = 'test/connectors/http-outcomes'
const NETWORK = 'test/connectors/http-network'
const RECORDS = 'test/connectors/http-records'

/** Of requests to APIs that a configuration describes. */
export const HTTP_MUTANTS = {
  'HTTP: a status 200 is the success of every row': {
    file: SENDING,
    find: 'if (operation.response.rows === undefined) {',
    put: 'if (operation.response.rows === undefined || reply.status === 200) {',
    tests: [OUTCOMES],
  },
  'HTTP: a row that is not mentioned is done': {
    file: ROWS,
    find: "if (response.missing === 'ok' && !isLost) outcomes[at] = DONE",
    put: "if (response.missing !== 'rejected') outcomes[at] = DONE",
    tests: [OUTCOMES],
  },
  "HTTP: an item that fits no row is nobody's": {
    file: ROWS,
    find: 'row === undefined) {\n        isLost = true',
    put: 'row === undefined) {\n        isLost = false',
    tests: [OUTCOMES],
  },
  'HTTP: items are matched by their place, whatever the configuration says': {
    file: ROWS,
    find: 'const at = find(item, place)',
    put: 'const at = place < rows.length ? place : find(item, place)',
    tests: [OUTCOMES],
  },
  'HTTP: a row that is listed as landed and as refused has landed': {
    file: ROWS,
    find: "if (outcomes[at] === undefined || outcomes[at].status === 'done') outcomes[at] = outcome",
    put: "if (outcomes[at] === undefined || outcome.status === 'done') outcomes[at] = outcome",
    tests: [OUTCOMES],
  },
  'HTTP: a POST that is not idempotent may be sent again by the next run': {
    file: 'src/connectors/http-modes.ts',
    find: 'return answersExists(operation) || object.lookup?.consistent === true',
    put: 'return true',
    tests: ['test/connectors/http-options'],
  },
  'HTTP: any request may be sent again': {
    file: 'src/connectors/http-modes.ts',
    find: "return name !== 'insert' || answersExists(operation)",
    put: 'return true',
    tests: [OUTCOMES],
  },
  'HTTP: a batch that is refused as a whole is sent again as it is': {
    file: SENDING,
    find: "'bisect')\n        throw new BatchRefusedError(code, message)",
    put: "'bisect')\n        throw new RetryableError(message)",
    tests: [OUTCOMES],
  },
  'HTTP: answers are lost where a later request of the batch fails': {
    file: SENDING,
    find: 'if (!passes || outcomes.length === 0) throw error',
    put: 'if (passes || !passes) throw error',
    tests: [OUTCOMES],
  },
  'HTTP: a server that failed has done nothing': {
    file: VERDICT,
    find: 'throw reply.status >= 500 ? new UnansweredError(message, options) : new RetryableError(message, options)',
    put: 'throw new RetryableError(message, options)',
    tests: [OUTCOMES],
  },
  'HTTP: a page in HTML is a success': {
    file: VERDICT,
    find: "if (read === undefined) throw unreadable(reply, 'JSON')",
    put: "if (read === undefined) return { kind: 'success', body: undefined }",
    tests: [OUTCOMES],
  },
  'HTTP: an empty success is as good as one with a body': {
    file: VERDICT,
    find: "if (form === 'json' && isBlank && needsBody && reply.status !== 204) throw",
    put: "if (form === 'json' && isBlank && needsBody && reply.status < 200) throw",
    tests: [OUTCOMES],
  },
  'HTTP: private addresses are reached': {
    file: 'src/connectors/http-destination.ts',
    find: 'refusePrivate: !options.allowPrivateHosts',
    put: 'refusePrivate: false',
    tests: [NETWORK],
  },
  'HTTP: what the service asks to wait is not waited': {
    file: 'src/connectors/http-retry-after.ts',
    find: 'if (wait !== undefined) return Math.max(0, wait)',
    put: 'if (wait !== undefined) return undefined',
    tests: [OUTCOMES],
  },
  'HTTP: an idempotency key is another one each time': {
    file: 'src/connectors/http-request.ts',
    find: 'return hashedUuid([object, name, content, mark])',
    put: 'return hashedUuid([object, name, content, Math.random()])',
    tests: ['test/connectors/http-template'],
  },
  'HTTP: a row that becomes what it was before is a repetition': {
    file: 'src/connectors/http-idempotency.ts',
    find: "if (operation !== 'insert') return ofThisRun",
    put: "if (operation !== 'insert') return ''",
    tests: [RECORDS],
  },
  'HTTP: a record that comes back is the one that was deleted': {
    file: 'src/connectors/http-idempotency.ts',
    find: 'notes.set(NOTE, next)',
    put: 'notes.set(NOTE, null)',
    tests: [RECORDS],
  },
  'HTTP: a status that is about one row of a batch is about all': {
    file: SENDING,
    find: 'if (only === undefined) {\n        const { kind: code }',
    put: 'if (rows.length === 0) {\n        const { kind: code }',
    tests: [OUTCOMES],
  },
  'HTTP: a list of results that leaves some out goes by its places': {
    file: ROWS,
    find: 'items.length !== rows.length',
    put: 'items.length > rows.length',
    tests: [OUTCOMES],
  },
  'HTTP: a limit refuses the row that met it, where other statuses may be tried again': {
    file: VERDICT,
    find: "if (isNamed === undefined && NOT_NOW.includes(status)) return 'retryable'",
    put: "if (isNamed === undefined && NOT_NOW.length === 0) return 'retryable'",
    tests: [OUTCOMES],
  },
  'HTTP: a lookup that can be relied upon is not asked before an insert': {
    file: 'src/connectors/http-modes.ts',
    find: 'if (object.lookup !== undefined && !answersExists(object.insert)) return',
    put: 'if (object.lookup === object.insert) return',
    tests: [RECORDS],
  },
  'HTTP: a lookup believes whatever the search finds first': {
    file: 'src/connectors/http-lookup.ts',
    find: 'return text !== undefined && folded(text) === wanted',
    put: 'return text !== undefined && wanted !== undefined',
    tests: [RECORDS],
  },
  'HTTP: a value in a path may lead elsewhere': {
    file: 'src/connectors/http-request.ts',
    find: 'if (!climbs) return undefined',
    put: 'if (climbs || !climbs) return undefined',
    tests: [NETWORK],
  },
  'HTTP: a list that is shorter than the service says has ended': {
    file: 'src/connectors/http-list.ts',
    find: 'if (total !== undefined && total !== listed) {',
    put: 'if (total !== undefined && total < listed) {',
    tests: ['test/connectors/http-list'],
  },
}
