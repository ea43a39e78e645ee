import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { compareKeys, KeyEncoder, keySpace } from '../../src/core/key.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { administer } from '../support/postgres-reading.ts'
import { rowBatch } from '../support/row-batches.ts'
import { type Random, seededRandom } from '../support/seeded-random.ts'

const PAIRS = 100_000
/** Pairs a statement. */
const CHUNK = 10_000
/** Where UTF-16 and UTF-8 part, where UTF-8 grows by a byte, and what COPY escapes. */
const EDGES = [0x01, 0x08, 0x09, 0x0a, 0x0d, 0x5c, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff]

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Any character that Postgres takes: no surrogate, and not U+0000. */
function character(random: Random): string {
  if (random.chance(0.3)) return String.fromCodePoint(random.pick(EDGES))
  if (random.chance(0.3)) return String.fromCodePoint(1 + random.below(0x2ff))
  const point = 1 + random.below(0x10f7ff)
  return String.fromCodePoint(point < 0xd800 ? point : point + 0x800)
}

function text(random: Random): string {
  return Array.from({ length: random.below(6) }, () => character(random)).join('')
}

/** Two texts that often share a start, so that the order is decided somewhere inside. */
function pair(random: Random): readonly [string, string] {
  const start = random.chance(0.7) ? text(random) : ''
  return [start + text(random), start + text(random)]
}

test(`${PAIRS} pairs of random Unicode texts: our keys, their bytes and Postgres agree on the order`, async () => {
  const random = seededRandom(20261123)
  const encoder = new KeyEncoder([{ field: 0, encoding: 'text' }])
  const encoded = (value: string) => {
    const { bytes } = rowBatch([[value]])
    const out = Buffer.alloc(keySpace(bytes.length))
    return out.subarray(0, encoder.encode(bytes, 0, bytes.length, out, 0))
  }
  for (let done = 0; done < PAIRS; done += CHUNK) {
    const pairs = Array.from({ length: CHUNK }, () => pair(random))
    const { rows } = await admin.query<{ orders: string }>(
      `select string_agg(case when a < b then '<' when a > b then '>' else '=' end, '' order by place) as orders
       from (select place, a collate "C" as a, b collate "C" as b
             from unnest($1::text[], $2::text[]) with ordinality as pairs (a, b, place)) as pairs`,
      [pairs.map(([a]) => a), pairs.map(([, b]) => b)],
    )
    for (const [index, [a, b]] of pairs.entries()) {
      const [left, right] = [encoded(a), encoded(b)]
      const ours = Math.sign(compareKeys(left, 0, left.length, right, 0, right.length))
      assert.equal(ours, Buffer.compare(Buffer.from(a), Buffer.from(b)), JSON.stringify([a, b]))
      assert.equal('<=>'[ours + 1], rows[0]?.orders[index], JSON.stringify([a, b]))
    }
  }
})
