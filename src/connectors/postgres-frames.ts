/** A message of PostgreSQL's protocol begins with its type and the length of what follows, which counts itself. */
export const HEADER_BYTES = 5

/** Bytes of the message at `at`, its header included. The header has to be there. */
export function frameLength(bytes: Buffer, at: number): number {
  return (
    1 +
    (((bytes[at + 1] as number) << 24) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 8) |
      (bytes[at + 4] as number))
  )
}
