/** Bytes put aside on disk because they do not fit into memory. Gone when it is disposed of (twice does no harm), or with the process. */
export interface ScratchFile extends Disposable {
  /** Bytes appended so far. */
  readonly length: number
  /** Throws FatalError where the disk does not take them. */
  append(bytes: Uint8Array): void
  /** Fills `into` with what was appended from `position` on. */
  read(into: Uint8Array, position: number): void
}
