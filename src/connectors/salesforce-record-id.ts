/** Ids of records: 15 characters in which case matters, or 18, the last three of which say what was upper-case [D]. */

const SUFFIX = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'
const ID = /^[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?$/i

function isRecordId(text: string): boolean {
  return ID.test(text)
}

/** The 18 characters of an id, by which two ways of writing it are one. What is no id stays as it is. */
export function longRecordId(id: string): string {
  if (!isRecordId(id)) return id
  if (id.length === 18) return id.slice(0, 15) + id.slice(15).toUpperCase()
  let suffix = ''
  for (let part = 0; part < 15; part += 5) {
    let bits = 0
    for (let at = 0; at < 5; at++) {
      const character = id[part + at] as string
      if (character >= 'A' && character <= 'Z') bits |= 1 << at
    }
    suffix += SUFFIX[bits]
  }
  return id + suffix
}
