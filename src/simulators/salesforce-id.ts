/** Record ids: 15 characters that tell upper from lower case, and a suffix of 3 by which that can be told again. */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SUFFIXES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'

/** The instance's part of every id. */
const POD = '5f'

/** The last 3 of the 18 characters: a character for 5 of the 15, one bit for each capital, the first one lowest. */
function idSuffix(id15: string): string {
  const codes = Array.from(id15, (character) => character.charCodeAt(0))
  return String.fromCharCode(suffixCode(codes, 0), suffixCode(codes, 5), suffixCode(codes, 10))
}

function suffixCode(codes: ArrayLike<number>, start: number): number {
  let bits = 0
  for (let at = 0; at < 5; at++) {
    const code = codes[start + at] as number
    if (code >= 65 && code <= 90) bits |= 1 << at
  }
  return SUFFIXES.charCodeAt(bits)
}

/** The id of 18 characters with this prefix (3 characters) and number. */
export function recordId(prefix: string, number: number): string {
  const codes = ID_CODES
  for (let at = 0; at < 5; at++) codes[at] = (at < 3 ? prefix : POD).charCodeAt(at < 3 ? at : at - 3)
  for (let at = 14, rest = number; at >= 5; at--, rest = Math.floor(rest / 62)) codes[at] = DIGITS.charCodeAt(rest % 62)
  for (let part = 0; part < 3; part++) codes[15 + part] = suffixCode(codes, part * 5)
  return codes.toString('latin1')
}

const ID_CODES = Buffer.alloc(18)

/** The id of 18 characters that a text of 15 or 18 means; undefined for any other text. */
export function fullId(text: string): string | undefined {
  if (text.length === 15) return /^[0-9A-Za-z]{15}$/.test(text) ? text + idSuffix(text) : undefined
  if (text.length !== 18 || !/^[0-9A-Za-z]{15}[A-Za-z0-5]{3}$/.test(text)) return undefined
  const suffix = text.slice(15).toUpperCase()
  const id15 = text.slice(0, 15)
  if (idSuffix(id15) === suffix) return id15 + suffix
  return idSuffix(restoreCase(id15, suffix)) === suffix ? restoreCase(id15, suffix) + suffix : undefined
}

function restoreCase(id15: string, suffix: string): string {
  let restored = ''
  for (let at = 0; at < 15; at++) {
    const capital = (SUFFIXES.indexOf(suffix[Math.floor(at / 5)] as string) >> (at % 5)) & 1
    const character = id15[at] as string
    restored += capital === 1 ? character.toUpperCase() : character.toLowerCase()
  }
  return restored
}
