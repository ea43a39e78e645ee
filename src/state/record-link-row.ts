import { createHash } from 'node:crypto'
import type { RecordLink } from '../core/record-links.ts'

/** What a link is found by, besides its key: 16 bytes as latin1, of whatever length the text is. */
export function nameOf(kind: 'identity' | 'id', text: string): string {
  return createHash('sha256').update(`${kind}\0${text}`).digest().subarray(0, 16).toString('latin1')
}

export function namesOf({ identities, aliases, id }: RecordLink): string[] {
  const names = [...identities, ...aliases].map((identity) => nameOf('identity', identity))
  return id === null ? names : [...names, nameOf('id', id)]
}

const ZERO = 48
const RETIRED = 1
const OVERWRITTEN = 2

export function encodeLink({ identities, aliases, match, id, retired, overwritten }: RecordLink): Buffer {
  const marks = (retired ? RETIRED : 0) | (overwritten ? OVERWRITTEN : 0)
  return Buffer.from(JSON.stringify([marks, id, match, aliases, identities]))
}

export function decodeLink(value: Buffer): RecordLink {
  const [marks, id, match, aliases, identities] = JSON.parse(value.toString()) as [
    number,
    string | null,
    (string | null)[] | null,
    string[],
    string[],
  ]
  return { identities, aliases, match, id, retired: (marks & RETIRED) !== 0, overwritten: (marks & OVERWRITTEN) !== 0 }
}

/** What a link says of that without being decoded: its marks, one digit, come first. */
export function isOverwritten(value: Buffer): boolean {
  return (((value[1] ?? ZERO) - ZERO) & OVERWRITTEN) !== 0
}
