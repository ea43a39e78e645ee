import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf, passingError, unreadable } from '../../src/connectors/web-errors.ts'
import { retryAfterMs } from '../../src/connectors/web-retry-after.ts'
import { FatalError, RetryableError, UnansweredError } from '../../src/core/errors.ts'

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0)

function replyOf(status: number, headers: Record<string, string> = {}, text = '') {
  return { status, headers, text, what: 'POST https://api.example.com/people' }
}

test('retry-after is read as seconds or as a date', () => {
  const read = (value?: string) => retryAfterMs(value === undefined ? {} : { 'retry-after': value }, NOW)
  assert.deepEqual(
    [
      '7',
      '0',
      '1.5',
      'Mon, 23 Nov 2026 12:00:30 GMT',
      'Monday, 23-Nov-26 12:00:30 GMT',
      'Mon Nov 23 12:00:30 2026 GMT',
    ].map(read),
    [7_000, 0, 1_500, 30_000, 30_000, 30_000],
  )
  assert.equal(read('Mon, 23 Nov 2026 11:00:00 GMT'), 0, 'a date that has passed')
  for (const nothing of [undefined, '', 'soon', '-5', '2026-11-23']) assert.equal(read(nothing), undefined)
})

test('a status says who has to react, and whether something may have been done', () => {
  const kindOf = (status: number) => {
    const error = passingError(replyOf(status), { now: NOW })
    if (error instanceof FatalError) return error.code
    if (error instanceof UnansweredError) return 'unanswered'
    return error instanceof RetryableError ? 'retry' : error
  }
  const expected: Record<string, readonly number[]> = {
    redirected: [301, 302, 303, 307, 308],
    retry: [408, 423, 425, 429],
    unanswered: [500, 502, 503, 504, 521, 524],
    undefined: [200, 201, 204, 207, 400, 401, 403, 404, 409, 413, 422],
  }
  for (const [kind, statuses] of Object.entries(expected)) {
    for (const status of statuses) assert.equal(String(kindOf(status)), kind, `status ${status}`)
  }
})

test('a wait that the answer asks for wins over the usual one', () => {
  const wait = (headers: Record<string, string>, usual?: number) => {
    const error = passingError(replyOf(429, headers), { now: NOW, retryAfterMs: usual })
    return (error as RetryableError).retryAfterMs
  }
  assert.deepEqual([wait({ 'retry-after': '3' }, 10_000), wait({}, 10_000), wait({})], [3_000, 10_000, undefined])
})

test('a redirect is named without the query of its target, or a user in it', () => {
  for (const location of ['https://login.example.com/x?token=canary#y', 'https://u:canary@login.example.com/x']) {
    const error = passingError(replyOf(302, { location }), { now: NOW })
    assert.match(String(error?.message), /redirect to https:\/\/login\.example\.com\/x, and none is followed/)
  }
})

test("a proxy's page is quoted by its words", () => {
  const page =
    '<html><head><style>p { color: red }</style><title>502</title></head><body><p>Bad   gateway</p></body></html>'
  const error = passingError(replyOf(502, {}, page), { now: NOW })
  assert.match(String(error?.message), /status 502 \(502 Bad gateway\)$/)
})

test('success without the answer that goes with it proves nothing', () => {
  assert.match(unreadable(replyOf(200), 'JSON').message, /status 200 and nothing$/)
  assert.match(unreadable(replyOf(200, {}, '<b>Sign in</b>'), 'JSON').message, /status 200 and no JSON \(Sign in\)$/)
  assert.ok(unreadable(replyOf(200), 'JSON') instanceof UnansweredError)
  assert.deepEqual([jsonOf(replyOf(200, {}, '{"a":1}')), jsonOf(replyOf(200, {}, '{"a":'))], [{ a: 1 }, undefined])
})

test('a page of any size is quoted without reading all of it', () => {
  const before = performance.now()
  passingError(replyOf(502, {}, '<'.repeat(200_000)), { now: NOW })
  assert.ok(performance.now() - before < 1_000)
  const page = `<style>${'p { color: red } '.repeat(10_000)}</style>words`
  assert.match(String(passingError(replyOf(502, {}, page), { now: NOW })?.message), /status 502$/)
})
