import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ConfigInput, type RowIssue, sync } from '../../src/index.ts'
import { type SimulatorProcess, simulatorProcess } from '../support/crm-process.ts'
import { type CrmJournal, writingRequests } from '../support/crm-target.ts'
import { mapSource } from '../support/map-source.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { column, type Row } from '../support/row-batches.ts'

/**
 * Against the clock: a simulator in a process of its own, at the limits of HubSpot's Professional plan. Both parts wait
 * most of their time, at the same time.
 */

const LIMIT = 190
const WINDOW_MS = 10_000
const CALL = 100

/** Syncs these rows `id`, `email`, `name` to contacts by their address. */
async function syncContacts(account: SimulatorProcess, rows: readonly Row[]) {
  using folder = memoryFolder()
  const source = mapSource([column('id', 'integer'), column('email'), column('name')], rows)
  source.extraKey = true
  const config: ConfigInput = {
    version: 1,
    state: folder.path,
    connections: {
      from: 'rows:',
      crm: { type: 'hubspot', token: 'token', base_url: account.url, plan: 'professional' },
    },
    syncs: {
      contacts: {
        source: { connection: 'from', table: 'model' },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'crm', object: 'contacts', match: 'email' },
        fields: { email: 'email', firstname: 'name' },
        guards: { max_rejected: '5%' },
      },
    },
  }
  const issues: RowIssue[] = []
  const report = await sync(config, { sources: [source.definition], onIssue: (issue) => issues.push(issue) })
  const journal = (await account.get('journal')) as CrmJournal
  const writing = writingRequests(journal)
  const times = journal.requests.map(({ time }) => time)
  const seconds = (Math.max(...times) - Math.min(...times)) / 1000
  // A burst and what comes after it: no window of ten seconds may have more, and the last one need not be full.
  const windows = Math.max(1, (seconds * 1000) / WINDOW_MS)
  return {
    report,
    issues,
    writing,
    seconds,
    requests: journal.requests.length,
    used: journal.requests.length / (LIMIT * windows),
    violations: (await account.get('violations')) as unknown[],
    records: (await account.get('records/contacts')) as { properties: Record<string, string> }[],
  }
}

const good = (n: number): Row => [String(n), `p${n}@x.co`, `name ${n}`]

describe('100,000 contacts at 190 requests in ten seconds', { concurrency: true }, () => {
  test('take 1,000 calls, no limit is overrun, and nine tenths of it are used', async (t) => {
    const count = 100_000
    await using account = await simulatorProcess('hubspot')
    const rows = Array.from({ length: count }, (_, n) => good(n))
    const { report, writing, requests, seconds, used, violations, records } = await syncContacts(account, rows)
    t.diagnostic(
      `${count} contacts: ${writing.length} calls that write of ${requests} in ${seconds.toFixed(1)} s, ` +
        `${(used * 100).toFixed(1)} % of the allowed rate, ${violations.length} violations`,
    )
    assert.equal(report.status, 'succeeded', report.error?.message)
    assert.equal(report.counts.inserted, count)
    assert.deepEqual(violations, [])
    assert.equal(writing.length, count / CALL)
    assert.ok(used >= 0.9, `${used}`)
    assert.equal(records.length, count)
    assert.equal(new Set(records.map(({ properties }) => properties['email'])).size, count)
  })

  test('with one bad row in a hundred each is rejected by itself with its message, and all others land', async (t) => {
    const count = 20_000
    await using account = await simulatorProcess('hubspot')
    const isBad = (n: number) => n % 100 === 37
    const rows = Array.from(
      { length: count },
      (_, n): Row => (isBad(n) ? [String(n), `no address ${n}`, 'bad'] : good(n)),
    )
    const { report, issues, writing, requests, seconds, used, violations, records } = await syncContacts(account, rows)
    const least = count / CALL
    t.diagnostic(
      `${count} contacts, ${issues.length} of them bad: ${writing.length} calls that write (${least} at least) of ` +
        `${requests} in ${seconds.toFixed(1)} s, ${(used * 100).toFixed(1)} % of the allowed rate, ${violations.length} violations`,
    )
    assert.equal(report.status, 'completed_with_errors', report.error?.message)
    assert.deepEqual([report.counts.inserted, report.counts.rejected], [count * 0.99, count * 0.01])
    assert.deepEqual(violations, [])
    assert.ok(writing.length <= least * 1.3, `${writing.length} calls`)
    const bad = Array.from({ length: count }, (_, n) => n).filter(isBad)
    assert.deepEqual(
      issues.map(({ key }) => Number(key)).toSorted((a, b) => a - b),
      bad,
    )
    for (const { key, code, message } of issues) {
      assert.equal(code, 'INVALID_EMAIL')
      assert.match(message, new RegExp(`no address ${key}\\b`))
    }
    const landed = records.map(({ properties }) => properties['email']).toSorted()
    assert.deepEqual(
      landed,
      rows
        .filter((_, n) => !isBad(n))
        .map(([, email]) => email as string)
        .toSorted(),
    )
  })
})
