const CLIENT = 'src/connectors/web-client.ts'
const WINDOW = 'src/pipeline/request-window.ts'
const GATE = 'src/pipeline/request-gate.ts'
const SENDER = 'src/pipeline/batch-sender.ts'
const DEFERRED = 'src/pipeline/deferred-changes.ts'
const CLAIMS = 'src/pipeline/claims.ts'

const GATES = 'test/pipeline/request-gate'
const DEFERS = 'test/pipeline/deferred-changes'
const LINKS = 'test/sync/record-links.test'

/** Of requests, their limits and their answers, and of records that are known by ids, whatever the API. */
export const REQUEST_MUTANTS = {
  'a change is acknowledged before it is answered': {
    file: 'src/pipeline/batch-writer.ts',
    find: 'batch.segment((index) => intent(lane.kind, batch.state(index))),',
    put: `batch.segment((index) =>
        settled(
          lane.kind,
          batch.state(index),
          { status: 'done' },
          { retried: false, unapplied: false, absent: false, deletes: this.#options.deletes },
        ),
      ),`,
    tests: ['test/pipeline/batch-writer.test'],
  },
  'web: a redirect is followed': {
    file: CLIENT,
    find: '      const used = await use(await begun.answer, what)\n',
    put: `      let answer = await begun.answer
      for (let hops = 0; hops < 3 && answer.status >= 300 && answer.status < 400; hops++) {
        const target = new URL(answer.headers['location'] ?? '', url)
        answer.body.destroy()
        const next = { ...sending, origin: target.origin, path: target.pathname + target.search, body: bodyOf(request) }
        answer = await beginExchange(agent, next, deadline.signal).answer
      }
      const used = await use(answer, what)
`,
    tests: ['test/connectors/web-client'],
  },
  'web: a redirect is no error': {
    file: 'src/connectors/web-errors.ts',
    find: 'if (status >= 300 && status < 400) return redirected(reply)',
    put: 'if (status >= 300 && status < 400) return undefined',
    tests: ['test/connectors/web-errors'],
  },
  'web: a request that was sent and not answered was not sent': {
    file: CLIENT,
    find: 'failureOf(error, begun?.sent === true, what)',
    put: 'failureOf(error, begun === null, what)',
    tests: ['test/connectors/web-failures'],
  },
  'web: a server that failed has done nothing': {
    file: 'src/connectors/web-errors.ts',
    find: '  if (status < 500) return undefined\n',
    put: '  if (status < 500) return undefined\n  if (status >= 500) return new RetryableError(what, options)\n',
    tests: ['test/connectors/web-errors'],
  },
  'web: Retry-After is not looked at': {
    file: 'src/connectors/web-retry-after.ts',
    find: 'if (value === undefined) return undefined',
    put: 'if (value !== null) return undefined',
    tests: ['test/connectors/web-errors'],
  },
  'web: a name that leads to a private address is reached': {
    file: 'src/connectors/web-address.ts',
    find: 'if (addresses.some(isPrivateAddress)) return',
    put: 'if (addresses.length === 0) return',
    tests: ['test/connectors/web-address'],
  },
  'web: a private address without a name is reached': {
    file: 'src/connectors/web-address.ts',
    find: 'if (isIP(options.hostname) !== 0 && isPrivateAddress(options.hostname)) {',
    put: 'if (isIP(options.hostname) < 0) {',
    tests: ['test/connectors/web-address'],
  },
  'web: the pass of a request is given back at its start': {
    file: CLIENT,
    find: '    const pass = await gate.enter(request.signal)\n',
    put: '    const pass = await gate.enter(request.signal)\n    pass.leave(undefined)\n',
    tests: ['test/connectors/web-client'],
  },
  'web: an answer that is too large says that nothing was applied': {
    file: CLIENT,
    find: 'throw REPEATABLE.has(method) ?',
    put: 'throw REPEATABLE.has(method) || method ?',
    tests: ['test/connectors/web-client'],
  },
  'web: a download that breaks off has ended': {
    file: 'src/connectors/web-exchange.ts',
    find: 'onResponseError: (_, error) => end(error)',
    put: 'onResponseError: (_, error) => end(body === undefined ? error : undefined)',
    tests: ['test/connectors/web-client'],
  },
  'web: an access token that was refused is not renewed': {
    file: 'src/connectors/web-tokens.ts',
    find: 'if (reply.status !== 401 || !tokens.refused(token)) return reply',
    put: 'if (reply.status !== 401 || tokens.refused(token) !== undefined) return reply',
    tests: ['test/connectors/web-tokens'],
  },
  'a request counts from its start, and not from its answer': {
    file: GATE,
    find: '        this.#end(own, seen)\n',
    put: `        if (seen !== undefined) this.#learn(seen, now)
        this.#active--
        own?.end(now)
        for (const window of this.#windows) window.end(now)
        this.#admit()
`,
    tests: [GATES],
  },
  'what has its answer counts no more': {
    file: WINDOW,
    find: '    this.#active--\n    this.#ended.push(now)\n',
    put: '    this.#active--\n',
    tests: [GATES],
  },
  'what has no answer yet does not count': {
    file: WINDOW,
    find: 'const room = this.requests - this.#active',
    put: 'const room = this.requests',
    tests: [GATES],
  },
  'two syncs with one credential have a gate each': {
    file: 'src/engine/request-gates.ts',
    find: 'const shared = gates.get(name) ?? {',
    put: 'const shared = {',
    tests: ['test/sync/request-limits # runs that share a credential'],
  },
  'a block is not kept': {
    file: GATE,
    find: 'if (blockedMs > 0) this',
    put: 'if (blockedMs < 0) this',
    tests: [GATES],
  },
  'what answers say of limits is not learnt': {
    file: GATE,
    find: 'else same.requests = requests',
    put: 'else same.requests = Math.max(same.requests, requests)',
    tests: [GATES],
  },
  'a batch waits no longer than the policy says, whatever the destination asks': {
    file: 'src/pipeline/retry.ts',
    find: 'const wait = Math.max(backOff(policy, attempt, random), error.retryAfterMs ?? 0)',
    put: 'const wait = backOff(policy, attempt, random)',
    tests: ['test/pipeline/retry'],
  },
  'a deferred change waits no longer than the policy says': {
    file: DEFERRED,
    find: 'const wait = Math.max(backOff(policy, attempts), asked)',
    put: 'const wait = backOff(policy, attempts)',
    tests: [DEFERS],
  },
  'what is deferred is not sent again': {
    file: DEFERRED,
    find: 'return attempts < policy.attempts &&',
    put: 'return attempts < 1 &&',
    tests: [DEFERS],
  },
  'what is deferred to the end is done': {
    file: DEFERRED,
    find: "return { status: 'rejected', code, message, ...(response === undefined ? {} : { response }) }",
    put: "return code === message ? { status: 'rejected', code, message, response: response ?? '' } : { status: 'done' }",
    tests: [DEFERS],
  },
  'what is deferred is sent again with all the others': {
    file: SENDER,
    find: 'const indices = again.map(({ index }) => index)',
    put: 'const indices = Array.from({ length: changes.count }, (_, index) => index)',
    tests: [DEFERS],
  },
  'a batch that is refused as a whole is rejected as a whole': {
    file: SENDER,
    find: '      if (to - from === 1) {\n        partsOf(draft)[from] =',
    put: '      if (to - from > 0) {\n        for (let at = from; at < to; at++) partsOf(draft)[at] =',
    tests: ['test/pipeline/batch-sender'],
  },
  'a batch that is refused as a whole is sent again and again': {
    file: SENDER,
    find: '      const middle = (from + to) >>> 1\n',
    put: '      if (draft.retried.length++ < 20) return await this.#bisect(from, to, draft)\n      const middle = (from + to) >>> 1\n',
    tests: ['test/pipeline/batch-sender'],
  },
  'an insert without an answer is sent again at once': {
    file: SENDER,
    find: "return operation === 'insert' ? this.#options.insertsTwice : undefined",
    put: "return operation === 'delete' ? this.#options.insertsTwice : undefined",
    tests: ['test/sync/inserts-in-doubt'],
  },
  'a row of which an answer says nothing is taken for one that was not applied': {
    file: SENDER,
    find: 'if (isUnknown) mark(draft.retried, index)',
    put: 'if (isUnknown) mark(draft.doubtful, index)',
    tests: ['test/pipeline/deferred-changes'],
  },
  'two rows that wait in one batch may have one match': {
    file: CLAIMS,
    find: 'const waiting = this.#waiting.get(identity)',
    put: 'const waiting = this.#waiting.get(key.toString())',
    tests: [LINKS],
  },
  'an answer that names the record of another key is believed': {
    file: CLAIMS,
    find: 'if (owner === undefined || link === undefined || link.retired) {',
    put: 'if (owner === undefined || owner !== null) {',
    tests: [LINKS],
  },
  'a change in doubt is not found by its former match': {
    file: CLAIMS,
    find: "if (operation !== 'insert') claim.former",
    put: "if (operation === 'delete') claim.former",
    tests: ['test/sync/record-links-killed'],
  },
  'a change in doubt is looked for by the match of another row': {
    file: CLAIMS,
    find: 'return owner === undefined || owner.equals(key) ? before.match : null',
    put: 'return before.match',
    tests: [LINKS],
  },
  'ids that are known are not told': {
    file: CLAIMS,
    find: 'ids.push(before?.id ?? undefined)',
    put: 'ids.push(undefined)',
    tests: [LINKS],
  },
  'a change that was refused takes its new match all the same': {
    file: CLAIMS,
    find: 'if (before !== undefined) links.put(key, { ...before,',
    put: 'if (before !== undefined) links.put(key, { ...before, ...link,',
    tests: [LINKS],
  },
  'a row without a match is sent': {
    file: CLAIMS,
    find: 'if (match.includes(null)) {',
    put: 'if (match.length === 0) {',
    tests: [LINKS],
  },
}
