/** Sorts keys on disk in bounded memory. For lists that a destination cannot give in key order. */
export interface KeySorter extends Disposable {
  add(key: Buffer): void
  /** All keys once each, ascending. */
  sorted(): Iterable<Buffer>
}
