import type { ChangeBatch } from '../core/change.ts'

const TAB = 9
const DIGIT_0 = 48
/** Lines up to this length are copied here: a call costs more. */
const SHORT = 40

/**
 * The lines of a batch with their number, from 0, as a first field. Made here because a column that numbers itself
 * (identity) costs the server 0.5 µs a line, and this costs 0.1 µs. One of these makes one batch after the other in the
 * same memory, a megabyte or more.
 */
export class LineNumbers {
  #room = Buffer.alloc(0)

  /** The numbered lines; valid until the next call. */
  number({ text, ends, count }: ChangeBatch): Buffer {
    const size = text.length + count * (String(count).length + 1)
    if (this.#room.length < size) this.#room = Buffer.allocUnsafe(size)
    const out = this.#room
    let to = 0
    let from = 0
    for (let line = 0; line < count; line++) {
      let scale = 1
      while (scale * 10 <= line) scale *= 10
      for (let rest = line; scale >= 1; scale /= 10) {
        const digit = Math.floor(rest / scale)
        out[to++] = DIGIT_0 + digit
        rest -= digit * scale
      }
      out[to++] = TAB
      const end = ends[line] as number
      if (end - from > SHORT) {
        text.copy(out, to, from, end)
        to += end - from
        from = end
      } else while (from < end) out[to++] = text[from++] as number
    }
    return out.subarray(0, to)
  }
}
