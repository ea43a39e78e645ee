import type { RecordLink } from '../core/record-links.ts'
import { decodeLink, encodeLink, namesOf } from './record-link-row.ts'
import type { Checksum } from './sealed.ts'

/** A link with what is derived from it, each when it is needed. */
export interface LinkEntry {
  readonly link: RecordLink
  names: readonly string[] | undefined
  /** As it is stored. */
  value: string | undefined
  /** Of what is stored. */
  sum: Checksum | undefined
}

/** The entry of a link that takes the place of another: the same one where it says the same. */
export function entryOf(link: RecordLink, before: LinkEntry | undefined): LinkEntry {
  if (before === undefined || !isNamedAlike(before.link, link))
    return { link, names: undefined, value: undefined, sum: undefined }
  const { match, retired, overwritten } = before.link
  const isSame = isEqual(match, link.match) && retired === link.retired && overwritten === link.overwritten
  return isSame ? before : { link, names: before.names, value: undefined, sum: undefined }
}

export function storedEntry(bytes: Buffer, sum: Checksum): LinkEntry {
  const value = bytes.toString()
  return { link: decodeLink(value), names: undefined, value, sum }
}

export function encodedOf(entry: LinkEntry): string {
  entry.value ??= encodeLink(entry.link)
  return entry.value
}

export function namesOfEntry(entry: LinkEntry): readonly string[] {
  entry.names ??= namesOf(entry.link)
  return entry.names
}

function isNamedAlike(one: RecordLink, other: RecordLink): boolean {
  return one.id === other.id && isEqual(one.identities, other.identities) && isEqual(one.aliases, other.aliases)
}

function isEqual(one: RecordLink['match'], other: RecordLink['match']): boolean {
  if (one === other || one === null || other === null) return one === other
  return one.length === other.length && one.every((text, index) => text === other[index])
}
