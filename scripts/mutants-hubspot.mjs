const REPLY = 'src/connectors/hubspot-batch-reply.ts'
const CALLS = 'src/connectors/hubspot-batch-calls.ts'
const WRITER = 'src/connectors/hubspot-writer.ts'
const ERRORS = 'src/connectors/hubspot-errors.ts'
const LOOKUP = 'src/connectors/hubspot-lookup.ts'

const FAULTS = 'test/connectors/hubspot-faults'
const WRITE = 'test/connectors/hubspot-write'
const OPERATIONS = 'test/connectors/hubspot-operations'
const LIMITS = 'test/connectors/hubspot-limits'
const ARCHIVE = 'test/connectors/hubspot-archive'
const ANSWERS = 'test/connectors/hubspot-answers'

const OPEN = '  if (open === 0) return answers\n'

/** Of what is sent to HubSpot, and what its answers are taken for. */
export const HUBSPOT_MUTANTS = {
  'HubSpot: the errors of a 207 are ignored': {
    file: REPLY,
    find: "for (const one of listOf(body['errors'])) {",
    put: "for (const one of reply.status === 207 ? [] : listOf(body['errors'])) {",
    tests: [WRITE],
  },
  'HubSpot: what a 207 does not list as a result has landed': {
    file: REPLY,
    find: "const refused: InputAnswer = { kind: 'refused', error, response: JSON.stringify(one) }",
    put: "const refused: InputAnswer = { kind: 'written', id: JSON.stringify(one), isNew: undefined }",
    tests: [WRITE],
  },
  'HubSpot: results are matched by their position': {
    file: REPLY,
    find: "  for (const one of listOf(body['results'])) {\n    const { id, new: isNew, objectWriteTraceId } = recordOf(one)\n",
    put: `  for (const [at, one] of listOf(body['results']).entries()) {
    const { id, new: isNew } = recordOf(one)
    const objectWriteTraceId = sent[at]?.traceId
`,
    tests: [`${FAULTS} # results are matched by trace id`],
  },
  'HubSpot: results are matched by the value of the match': {
    file: CALLS,
    find: '    const answers = batchAnswers(reply, sent)\n',
    put: `    const said: any = JSON.parse(reply.text)
    const byValue = new Map(sendings.map(({ input }, at) => [input.match.toLowerCase(), sent[at]?.traceId]))
    for (const one of said?.results ?? [])
      one.objectWriteTraceId = byValue.get(String(one.properties?.[match]).toLowerCase()) ?? one.objectWriteTraceId
    const answers = batchAnswers(said ? { ...reply, text: JSON.stringify(said) } : reply, sent)
`,
    tests: [`${FAULTS} # results are matched by trace id`],
  },
  'HubSpot: all inputs of a call have one trace id': {
    file: CALLS,
    find: 'const sent = sendings.map(({ input, id }) =>',
    put: 'const sent = sendings.map(({ id }) => [{ index: 0 }, id] as const).map(([input, id]) =>',
    tests: [WRITE],
  },
  'HubSpot: trace ids begin again with each call': {
    file: CALLS,
    find: 'const number = ++calls',
    put: 'const number = calls',
    tests: [WRITE],
  },
  'HubSpot: a success without results has written all': {
    file: REPLY,
    find: OPEN,
    put: `  for (const { traceId } of sent)
    if (!answers.has(traceId)) answers.set(traceId, { kind: 'written', id: traceId, isNew: undefined })
  if (open >= 0) return answers
`,
    tests: [`${FAULTS} # a success without results`],
  },
  'HubSpot: any success archives': {
    file: CALLS,
    find: 'if (reply.status !== 204) throw',
    put: 'if (reply.status >= 300) throw',
    tests: [`${FAULTS} # an archive is done when`],
  },
  'HubSpot: an archive is done when it is sent': {
    file: WRITER,
    find: 'await calls.archive([...ids], work.signal)',
    put: 'void calls.archive([...ids], work.signal).catch(() => {})',
    tests: [`${FAULTS} # an archive is done when`],
  },
  'HubSpot: an object that is gone has archived its records': {
    file: CALLS,
    find: '      if (reply.status === 404) throw unknownObject(type)\n      if (reply.status !== 204)',
    put: '      if (reply.status !== 404 && reply.status !== 204)',
    tests: [ARCHIVE],
  },
  'HubSpot: records are archived by their match, though their ids are known': {
    file: WRITER,
    find: 'const record = id === undefined ? found.get(match) : { id, isSecondary: false }',
    put: 'const record = (await calls.find([{ match } as HubspotInput], work.signal)).get(match) ?? (id === undefined ? undefined : { id, isSecondary: false })',
    tests: [OPERATIONS],
  },
  'HubSpot: a contact is archived for the address beside its own': {
    file: WRITER,
    find: 'else if (record.isSecondary) work',
    put: 'else if (record.isSecondary && ids.has(record.id)) work',
    tests: [OPERATIONS],
  },
  'HubSpot: records are changed by their match, though their ids are known': {
    file: 'src/connectors/hubspot-inputs.ts',
    find: 'ids?.[index]',
    put: 'undefined',
    tests: [WRITE],
  },
  'HubSpot: the record that another one was merged into is archived for it': {
    file: WRITER,
    find: "else if (state === 'merged') work",
    put: "else if (state === 'merged' && ids.has('')) work",
    tests: [ARCHIVE],
  },
  'HubSpot: a record that HubSpot says nothing of is gone': {
    file: LOOKUP,
    find: 'else if (absent.has(id) || unnamed) states',
    put: 'else if (absent.has(id) || unnamed || read.size === 0) states',
    tests: [ARCHIVE],
  },
  'HubSpot: any 404 says that records are gone': {
    file: LOOKUP,
    find: "  if (error.category === '' && error.message === '') throw unreadable(reply, 'JSON')\n",
    put: '',
    tests: [ARCHIVE],
  },
  'HubSpot: of two outcomes of one record the first is believed': {
    file: REPLY,
    find: 'else if (!agree(before, said))',
    put: 'else if (before === said)',
    tests: [ANSWERS],
  },
  'HubSpot: an error that names nobody is about every record that is left': {
    file: REPLY,
    find: 'sent.length === 1 ? untraced',
    put: 'sent.length > 0 ? untraced',
    tests: [ANSWERS],
  },
  'HubSpot: two rows that are one record have both landed': {
    file: WRITER,
    find: 'written.has(answer.id) ? sameRecord(answer.id) : writtenOutcome(answer, call)',
    put: 'writtenOutcome(answer, call)',
    tests: [OPERATIONS],
  },
  'HubSpot: what is not named among the missing is missing': {
    file: CALLS,
    find: 'if (open > 0) throw',
    put: 'if (open < 0) throw',
    tests: [`${FAULTS} # records that are not named among`],
  },
  'HubSpot: a batch that is refused as a whole is sent again as it is': {
    file: ERRORS,
    find: 'return systemic(error) ?? new BatchRefusedError(codeOf(error), messagesOf(error) || said)',
    put: 'return systemic(error) ?? new RetryableError(messagesOf(error) || said)',
    tests: [`${FAULTS} # a run in which every record is refused`],
  },
  'HubSpot: batches with a conflict are sent again as they are': {
    file: ERRORS,
    find: "new BatchRefusedError('conflict', messagesOf(error))",
    put: 'new RetryableError(messagesOf(error))',
    tests: [OPERATIONS],
  },
  'HubSpot: a fault of the mapping is halved row by row': {
    file: ERRORS,
    find: 'message.startsWith(WRONG_VALUES)) return mappingFault(error)',
    put: 'message.startsWith(WRONG_VALUES)) return undefined',
    tests: [`${FAULTS} # a fault of the mapping`],
  },
  'HubSpot: a run that is refused row by row goes on to its last row': {
    file: 'src/connectors/hubspot-refusals.ts',
    find: '++refused < MOST',
    put: '++refused > 0',
    tests: [`${FAULTS} # a run in which every record is refused`],
  },
  'HubSpot: a rolling limit is not waited for': {
    file: ERRORS,
    find: '...(blocked && { blockedMs: waitOf(reply, now) })',
    put: '...(blocked && { blockedMs: 0 })',
    tests: [LIMITS],
  },
  'HubSpot: the limit of the day is taken for a rolling one': {
    file: ERRORS,
    find: "if (policyName !== '') return policyName === 'DAILY'",
    put: "if (policyName !== '') return false",
    tests: [`${LIMITS} # a limit is the daily one`],
  },
  'HubSpot: a page without records is the end of a list': {
    file: 'src/connectors/hubspot-key-list.ts',
    find: "if (!Array.isArray(body['results'])) throw",
    put: 'if (body === undefined) throw',
    tests: ['test/connectors/hubspot-list'],
  },
}
