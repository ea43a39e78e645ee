const LOAD = 'src/connectors/salesforce-bulk-load.ts'
const LOADER = 'src/connectors/salesforce-loader.ts'
const WAYS = 'src/connectors/salesforce-ways.ts'
const SESSION = 'src/connectors/salesforce-session.ts'
const COLLECTIONS = 'src/connectors/salesforce-collections.ts'
const JOB = 'src/connectors/salesforce-job.ts'
const EARLIER = 'src/connectors/salesforce-earlier-jobs.ts'

const JOBS = 'test/connectors/salesforce-jobs'
const LOADS = 'test/connectors/salesforce-load'
const LIMITS = 'test/connectors/salesforce-limits'

const READ_ALL =
  '    for (const file of RESULT_FILES) await readResults(context, ended.id, { file, key }, each(file), signal)\n'

/** Of what is sent to Salesforce by calls and by jobs, and what is remembered of jobs. */
export const SALESFORCE_MUTANTS = {
  'Salesforce: only the failed results of a job are read': {
    file: LOAD,
    find: READ_ALL,
    put: `    await readResults(context, ended.id, { file: 'failedResults', key }, each('failedResults'), signal)
    for (const row of places.rows()) if (gathered.note(row, { status: 'done' })) answered++
`,
    tests: [`${JOBS} # results that are not as many as the rows`],
  },
  'Salesforce: rows that a job did not come to are done': {
    file: LOAD,
    find: "if (file === 'unprocessedrecords') return unprocessed(job)",
    put: "if (file === 'unprocessedrecords') return { status: 'done' }",
    tests: [`${JOBS} # rows that a failed job did not come to`],
  },
  'Salesforce: rows that a job did not come to are not looked at': {
    file: LOAD,
    find: READ_ALL,
    put: `    for (const file of RESULT_FILES)
      if (file !== 'unprocessedrecords') await readResults(context, ended.id, { file, key }, each(file), signal)
    for (const row of places.rows()) if (gathered.note(row, { status: 'done' })) answered++
`,
    tests: [`${JOBS} # rows that a failed job did not come to`],
  },
  'Salesforce: nobody looks whether the three files have every row': {
    file: LOAD,
    find: '  if (answered === places.size) return\n',
    put: `  for (const row of places.rows()) if (gathered.note(row, { status: 'done' })) answered++
  if (answered === places.size) return
`,
    tests: [`${JOBS} # results that are not as many as the rows`],
  },
  'Salesforce: a file that was cut off between two rows is not read again': {
    file: LOAD,
    find: 'reading <= 2',
    put: 'reading <= 1',
    tests: [`${JOBS} # a file that was cut off between two rows`],
  },
  'Salesforce: rows of other jobs in a result file are passed over': {
    file: LOAD,
    find: 'if (strangers > 0) {',
    put: 'if (strangers < 0) {',
    tests: [`${JOBS} # results that are not as many as the rows`],
  },
  'Salesforce: results of a job are matched by their place': {
    file: LOAD,
    find: 'const row = places.find(known ?? result.cell(key))',
    put: 'const row = [...places.rows()].toSorted((one, other) => one - other)[answered]',
    tests: [`${JOBS} # results come in pages`],
  },
  'Salesforce: a job is done when it is uploaded': {
    file: LOAD,
    find: '    const id = await start(context, job, signal)\n',
    put: `    const id = await start(context, job, signal)
    for (const row of places.rows()) gathered.note(row, { status: 'done' })
`,
    tests: [`${LOADS} # by bulk: outcomes carry the Id`],
  },
  'Salesforce: a job is noted after its rows are uploaded': {
    file: LOAD,
    find: "  noteJob(notes, id, 'open', form, columns)\n",
    put: '',
    tests: [`${JOBS} # and never closed is aborted`],
  },
  'Salesforce: a job is forgotten before its results are read': {
    file: LOAD,
    find: '    if (ended === undefined) throw resultsMissing',
    put: '    forgetJob(context.notes, id)\n    if (ended === undefined) throw resultsMissing',
    tests: [`${JOBS} # a job whose results cannot be had`],
  },
  'Salesforce: jobs of an earlier run are forgotten before their results are read': {
    file: EARLIER,
    find: '    for (const [id, note] of jobs) {\n',
    put: '    for (const [id, note] of jobs) {\n      forgetJob(notes, id)\n',
    tests: [`${JOBS} # a run that is killed before it has read`],
  },
  'Salesforce: nobody waits for jobs of an earlier run': {
    file: EARLIER,
    find: 'if (jobs.size === 0) return undefined',
    put: 'if (jobs.size >= 0) return undefined',
    tests: [`${JOBS} # what a job of a killed run has written`],
  },
  'Salesforce: inserts that an earlier job has written are sent again': {
    file: LOADER,
    find: 'if (found === undefined) return undefined',
    put: "if (found === undefined || form.way === 'insert') return undefined",
    tests: [`${JOBS} # insert: a process that is killed before any`],
  },
  'Salesforce: a job that was never closed is left open': {
    file: EARLIER,
    find: "if (job.state === 'Open') {",
    put: "if (job.state === 'Open') return undefined\n  if (job.state === 'Open') {",
    tests: [`${JOBS} # and never closed is aborted`],
  },
  'Salesforce: a job whose upload was lost is left open': {
    file: LOAD,
    find: 'if (error instanceof RetryableError) await giveUp(context, id, signal)',
    put: '',
    tests: [`${JOBS} # a lost upload is given up`],
  },
  'Salesforce: only the first page of results is read': {
    file: JOB,
    find: '  } while (locator !== undefined)',
    put: '  } while (locator === null)',
    tests: [`${JOBS} # results come in pages`],
  },
  'Salesforce: two rows of one match go into one job': {
    file: LOADER,
    find: '(isFull || job.places.find(key) !== undefined)',
    put: 'isFull',
    tests: [`${LOADS} # two rows of one match are never`],
  },
  'Salesforce: rows that meet a lock are rejected for good': {
    file: 'src/connectors/salesforce-row-errors.ts',
    find: "new Set(['UNABLE_TO_LOCK_ROW', ",
    put: 'new Set([',
    tests: ['test/connectors/salesforce-rows'],
  },
  'Salesforce: Sforce-Limit-Info is not looked at': {
    file: SESSION,
    find: 'usage = usageOf(reply.headers) ?? usage',
    put: 'usage = usage ?? undefined',
    tests: [LIMITS],
  },
  'Salesforce: a call that is malformed for one row is sent again as it is': {
    file: SESSION,
    find: "if (call.refused === 'split') throw new BatchRefusedError(error.code, error.message)",
    put: "if (call.refused === 'split') throw new RetryableError(error.message)",
    tests: [LIMITS],
  },
  'Salesforce: a call that was answered has written all its records': {
    file: COLLECTIONS,
    find: 'if (result.success) {',
    put: 'if (result.success || result.errors.length > 0) {',
    tests: [`${LOADS} # by collections: a bad row is rejected`],
  },
  'Salesforce: fewer results than records are as good as all': {
    file: COLLECTIONS,
    find: 'if (answered.length !== rows.length) throw resultsMissing(answered.length, rows.length)',
    put: 'while (answered.length < rows.length) answered.push({ id: null, success: true, errors: [] })',
    tests: [`${JOBS} # a call that is answered with fewer results`],
  },
  'Salesforce: a record is changed by its match, though its Id is known': {
    file: WAYS,
    find: 'const ids = byId ? batch.ids : undefined',
    put: 'const ids = byId && batch.count < 0 ? batch.ids : undefined',
    tests: [`${LOADS} # a change with an Id is of that record`],
  },
  'Salesforce: of several records with one external id the first is taken': {
    file: WAYS,
    find: 'else if (ids.length > 1) gathered',
    put: "else if (ids.length > 1) this.#go(row, operation === 'delete' ? 'delete' : 'update', LOOKED_UP)\n        else if (ids.length > 99) gathered",
    tests: [`${LOADS} # an external id that several records share`],
  },
  'Salesforce: a list that is shorter than its job says has ended': {
    file: 'src/connectors/salesforce-bulk-query.ts',
    find: 'if (rows === expected) return',
    put: 'if (expected == null || rows <= expected) return',
    tests: [`${LOADS} # a list with fewer keys`],
  },
}
