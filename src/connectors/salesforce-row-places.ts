import { hash } from 'node:crypto'

const FIRST_SLOTS = 4096
/** Words of a slot: a digest of 64 bits, and the number of the row plus one. */
const WORDS = 3

/**
 * Which row of a job is which, by what tells them apart. A digest stands for each text: a million of those would not fit
 * into memory. Two texts with the same digest are never in one job, so that what is found is what was sent.
 */
export class RowPlaces {
  size = 0
  #slots = new Uint32Array(FIRST_SLOTS * WORDS)

  /** False where the text, or one with its digest, is there already. */
  add(text: string, row: number): boolean {
    if ((this.size + 1) * 4 > this.#slots.length) this.#grow()
    const [high, low] = digestOf(text)
    const slot = this.#slotOf(high, low)
    if (this.#slots[slot + 2] !== 0) return false
    this.#put(slot, high, low, row + 1)
    this.size++
    return true
  }

  find(text: string): number | undefined {
    const row = this.#slots[this.#slotOf(...digestOf(text)) + 2] as number
    return row === 0 ? undefined : row - 1
  }

  /** All rows, in no order. */
  *rows(): Generator<number> {
    for (let slot = 2; slot < this.#slots.length; slot += WORDS) {
      const row = this.#slots[slot] as number
      if (row !== 0) yield row - 1
    }
  }

  /** Where the digest is, or would be: the next slot that is free. */
  #slotOf(high: number, low: number): number {
    const slots = this.#slots
    const mask = slots.length / WORDS - 1
    for (let place = low & mask; ; place = (place + 1) & mask) {
      const slot = place * WORDS
      if (slots[slot + 2] === 0 || (slots[slot] === high && slots[slot + 1] === low)) return slot
    }
  }

  #put(slot: number, high: number, low: number, value: number): void {
    this.#slots[slot] = high
    this.#slots[slot + 1] = low
    this.#slots[slot + 2] = value
  }

  #grow(): void {
    const full = this.#slots
    this.#slots = new Uint32Array(full.length * 2)
    for (let slot = 0; slot < full.length; slot += WORDS) {
      const [high, low, value] = [full[slot] as number, full[slot + 1] as number, full[slot + 2] as number]
      if (value !== 0) this.#put(this.#slotOf(high, low), high, low, value)
    }
  }
}

/** Of nothing cheaper than SHA-256: whoever types texts into forms could have each of them need a job of its own. */
function digestOf(text: string): [number, number] {
  const bytes = hash('sha256', text, 'binary')
  const word = (at: number) =>
    ((bytes.charCodeAt(at) << 24) |
      (bytes.charCodeAt(at + 1) << 16) |
      (bytes.charCodeAt(at + 2) << 8) |
      bytes.charCodeAt(at + 3)) >>>
    0
  return [word(0), word(4)]
}
