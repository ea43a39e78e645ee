import { hash } from 'node:crypto'
import type { RecordLink } from '../core/record-links.ts'

/** Bytes up to which a name is the text itself. */
const PLAIN = 48
const PLAIN_MARKS = { identity: '\x01', id: '\x02' } as const
const HASHED_MARKS = { identity: '\x03', id: '\x04' } as const

/**
 * What a link is found by, besides its key: bytes as latin1. The text itself where it is short, because ids and many
 * identities ascend with the keys: rows that are written together lie together then, and no page is read twice. Of longer
 * ones 16 bytes of SHA-256, and of nothing cheaper: whoever types an identity into a form could choose two that a fingerprint
 * takes for one.
 */
export function nameOf(kind: 'identity' | 'id', text: string): string {
  if (text.length <= PLAIN) {
    const name = Buffer.from(text)
    if (name.length <= PLAIN) return PLAIN_MARKS[kind] + name.toString('latin1')
  }
  return HASHED_MARKS[kind] + hash('sha256', text, 'binary').slice(0, 16)
}

export function namesOf({ identities, aliases, id }: RecordLink): string[] {
  const names = [...identities, ...aliases].map((identity) => nameOf('identity', identity))
  return id === null ? names : [...names, nameOf('id', id)]
}

const ZERO = 48
const RETIRED = 1
const OVERWRITTEN = 2

export function encodeLink({ identities, aliases, match, id, retired, overwritten }: RecordLink): string {
  const marks = (retired ? RETIRED : 0) | (overwritten ? OVERWRITTEN : 0)
  return JSON.stringify([marks, id, match, aliases, identities])
}

export function decodeLink(value: string): RecordLink {
  const [marks, id, match, aliases, identities] = JSON.parse(value) as [
    number,
    string | null,
    (string | null)[] | null,
    string[],
    string[],
  ]
  return { identities, aliases, match, id, retired: (marks & RETIRED) !== 0, overwritten: (marks & OVERWRITTEN) !== 0 }
}

/** What a link, encoded at `start`, says of that without being decoded: its marks, one digit, come first. */
export function isOverwritten(bytes: Buffer, start = 0): boolean {
  return (((bytes[start + 1] ?? ZERO) - ZERO) & OVERWRITTEN) !== 0
}
