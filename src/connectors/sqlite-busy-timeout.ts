/** Milliseconds to wait for another connection that holds the file. */
export const BUSY_TIMEOUT_MS = 5_000
