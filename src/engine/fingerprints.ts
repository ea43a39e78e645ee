/** What the fingerprints of a sync depend on besides the rows: kept in the index, to tell when all of them change. */

/** Follows the digest of the mapping where the fingerprints are not our own. */
const BY_THE_SERVER = ' by the server'

/** Names what the fingerprints of a run are of and who computes them. */
export function fingerprintsOf(mappingDigest: Buffer, byServer: boolean): string {
  return mappingDigest.toString('hex') + (byServer ? BY_THE_SERVER : '')
}

/** Why every row counts as changed, to somebody who reads it; undefined where that is not so, or it is the first run. */
export function whyAllChanged(before: string | undefined, now: string): string | undefined {
  if (before === undefined || before === now) return undefined
  const sameMapping = before.replace(BY_THE_SERVER, '') === now.replace(BY_THE_SERVER, '')
  const what = sameMapping ? 'read.digest was switched on or off' : 'the mapping has changed'
  return `${what} since the last run, so every row counts as changed once`
}

/** No two indexes and no two mappings have the same fingerprints of the same row. */
export function seedOf(
  index: { readonly high: number; readonly low: number },
  mappingDigest: Buffer,
): { readonly high: number; readonly low: number } {
  return { high: index.high ^ mappingDigest.readUInt32LE(0), low: index.low ^ mappingDigest.readUInt32LE(4) }
}
