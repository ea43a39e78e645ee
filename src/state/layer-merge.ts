import { compareKeys } from '../core/key.ts'
import { type EntryState, GONE } from '../core/key-entry.ts'
import type { KeyScan } from '../core/key-index.ts'
import type { LayerCursor } from './layer.ts'

/** Walks several layers as one: of equal keys the newest layer's entry is seen, the others are passed over. */
export class LayerMerge implements KeyScan {
  bytes: Buffer = Buffer.alloc(0)
  keyStart = 0
  keyEnd = 0
  state: EntryState = GONE
  printHigh = 0
  printLow = 0
  /** Newest first, so that the first of equal keys is the one that counts. */
  readonly #cursors: LayerCursor[]
  readonly #showGone: boolean
  #current: LayerCursor | undefined
  #started = false

  constructor(cursors: readonly LayerCursor[], options: { showGone: boolean }) {
    this.#cursors = [...cursors].sort((a, b) => b.layer.id - a.layer.id)
    this.#showGone = options.showGone
  }

  next(): boolean {
    do {
      if (!this.#advance()) return false
    } while (this.state === GONE && !this.#showGone)
    return true
  }

  #advance(): boolean {
    const cursors = this.#cursors
    if (!this.#started) {
      this.#started = true
      for (let index = cursors.length - 1; index >= 0; index--) if (!cursors[index]?.next()) cursors.splice(index, 1)
    } else if (this.#current !== undefined) this.#step(this.#current)
    if (cursors.length === 0) return false
    let least = cursors[0] as LayerCursor
    for (let index = 1; index < cursors.length; index++) {
      const cursor = cursors[index] as LayerCursor
      const order = compareKeys(cursor.bytes, cursor.keyStart, cursor.keyEnd, least.bytes, least.keyStart, least.keyEnd)
      if (order < 0) least = cursor
      else if (order === 0) {
        const before = cursors.length
        this.#step(cursor)
        if (cursors.length < before) index--
      }
    }
    this.#current = least
    this.bytes = least.bytes
    this.keyStart = least.keyStart
    this.keyEnd = least.keyEnd
    this.state = least.state
    this.printHigh = least.printHigh
    this.printLow = least.printLow
    return true
  }

  #step(cursor: LayerCursor): void {
    if (!cursor.next()) this.#cursors.splice(this.#cursors.indexOf(cursor), 1)
  }
}
