import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { scrubber } from '../../src/core/scrubber.ts'

test('a secret is masked as it is, in a URL and in JSON', () => {
  const secret = 'p@ss w/rd"1\\'
  const { text } = scrubber([secret])
  assert.equal(text(`password ${secret} refused`), 'password *** refused')
  assert.equal(text(`postgres://u:${encodeURIComponent(secret)}@h/db`), 'postgres://u:***@h/db')
  assert.equal(text(`postgres://u:${encodeURIComponent(secret).toLowerCase()}@h/db`), 'postgres://u:***@h/db')
  assert.equal(text(`?t=${new URLSearchParams({ t: secret }).toString().slice(2)}&`), '?t=***&')
  const url = new URL('postgres://h/db')
  url.password = secret
  assert.equal(text(url.href), 'postgres://:***@h/db')
  assert.equal(text(JSON.stringify({ a: secret })), '{"a":"***"}')
})

test('a secret is masked as SQL and JavaScript write it, and as base64', () => {
  const secret = `it's "5\\5" + ünder`
  const { text } = scrubber([secret])
  const literal = secret.replaceAll('\\', '\\\\').replaceAll("'", "''")
  assert.equal(text(`where p = E'${literal}'`), "where p = E'***'")
  assert.equal(text(`csv,"${secret.replaceAll('"', '""')}"`), 'csv,"***"')
  assert.equal(text(inspect({ a: `'${secret}\n` })).includes('ünder'), false)
  const bytes = Buffer.from(secret)
  assert.match(text(`token ${bytes.toString('base64')} end`), /^token \*\*\*=* end$/)
  assert.equal(text(`/${bytes.toString('base64url')}/`), '/***/')
})

test('a secret with another in front of it leaves no rest', () => {
  const { text } = scrubber(['abcd', 'abcdefgh'])
  assert.equal(text('abcdefgh abcd'), '*** ***')
})

test('values too short to be told from words are left', () => {
  const { text } = scrubber(['', 'a', 'abc'])
  assert.equal(text('an abc'), 'an abc')
})

test('a JSON value stays what it is, but for the strings in it', () => {
  const { value } = scrubber(['2026', 'hunter2'])
  assert.deepEqual(value({ hunter2: ['hunter2', 2026, null, true, { x: 'a hunter2 b' }] }), {
    hunter2: ['***', 2026, null, true, { x: 'a *** b' }],
  })
})

test('no secret comes through, whatever it is made of', () => {
  const secrets = fc.string({ minLength: 4, maxLength: 20, unit: 'grapheme' })
  fc.assert(
    fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
      const { text } = scrubber([secret])
      // A part of the secret beside it can make the same text by chance.
      fc.pre(!`${before}${after}`.includes(secret) && !'***'.includes(secret))
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
        if (`${before}***${after}`.includes(form)) continue
        assert.ok(!text(before + form + after).includes(form))
      }
    }),
  )
})
