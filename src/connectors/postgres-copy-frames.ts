import { frameLength, HEADER_BYTES } from './postgres-frames.ts'

/** What the bytes of a COPY TO STDOUT are taken apart into. */
export interface CopyFrameSink {
  /** Payload of data frames, joined; the buffer is given away. Frames are not lines: a line may be in several. */
  data(bytes: Buffer): void
  /** Part of a frame that may come between data frames: a notice, a changed parameter, a notification. */
  aside(bytes: Buffer): void
  /** The first frame that ends the copy, and everything behind it. Called once; nothing is walked after it. */
  end(bytes: Buffer): void
}

const COPY_DATA = 0x64 // d
const COPY_OUT_RESPONSE = 0x48 // H
const NOTICE = 0x4e // N
const NOTIFICATION = 0x41 // A
const PARAMETER_STATUS = 0x53 // S
const NOTHING = Buffer.alloc(0)

/**
 * Walks over the frames of PostgreSQL's protocol while a COPY TO STDOUT is under way, however they are cut into chunks.
 * One of the hot files: a frame is a row, so what is done for each of them counts. The payloads are moved together
 * inside the chunk itself, which takes a tenth of what slicing and joining them does.
 */
export class CopyFrames {
  readonly #sink: CopyFrameSink
  /** Bytes of a header that the last chunk cut. */
  #carry = NOTHING
  /** Type of the current frame, and how many of its bytes are still to come. */
  #type = COPY_DATA
  #left = 0

  constructor(sink: CopyFrameSink) {
    this.#sink = sink
  }

  /** Takes the next chunk, which is overwritten. */
  walk(chunk: Buffer): void {
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk])
    this.#carry = NOTHING
    const length = bytes.length
    let type = this.#type
    let left = this.#left
    let at = 0
    let data = 0
    let end: Buffer | undefined
    for (;;) {
      if (left > 0) {
        const size = Math.min(left, length - at)
        if (type === COPY_DATA) {
          bytes.copyWithin(data, at, at + size)
          data += size
        } else this.#sink.aside(bytes.subarray(at, at + size))
        at += size
        left -= size
      }
      if (at + HEADER_BYTES > length) {
        this.#carry = at === length ? NOTHING : Buffer.from(bytes.subarray(at))
        break
      }
      type = bytes[at] as number
      if (type === COPY_DATA) {
        left = frameLength(bytes, at) - HEADER_BYTES
        at += HEADER_BYTES
      } else if (isAside(type)) {
        left = frameLength(bytes, at)
      } else {
        end = bytes.subarray(at)
        break
      }
    }
    this.#type = type
    this.#left = left
    if (data > 0) this.#sink.data(bytes.subarray(0, data))
    if (end !== undefined) this.#sink.end(end)
  }
}

function isAside(type: number): boolean {
  return type === NOTICE || type === PARAMETER_STATUS || type === NOTIFICATION || type === COPY_OUT_RESPONSE
}
