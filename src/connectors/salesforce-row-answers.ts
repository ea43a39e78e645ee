import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import { TextSpool } from './salesforce-spool.ts'

const NONE = 0
/** What stands for itself. */
const PLAIN = [DONE, NOT_FOUND, EXISTS] as const
/** Behind those: the outcome lies in the file, as JSON. */
const ELSEWHERE = PLAIN.length + 1
/** From here on: done, with an id of 18 characters; besides, whether it was created. */
const WITH_ID = ELSEWHERE + 1
const CREATED = [undefined, false, true] as const

/** Bytes of an id, or of where an outcome lies. */
const WIDTH = 18
const ID = /^[A-Za-z0-9]{18}$/

/**
 * What became of rows, by number: 19 bytes for a row that landed. What is said of the others lies on the disk, as JSON:
 * there may be as many of them as rows.
 */
export class RowAnswers implements Disposable {
  readonly #kinds: Uint8Array
  readonly #details: Buffer
  #others: TextSpool | undefined

  constructor(rows: number) {
    this.#kinds = new Uint8Array(rows)
    this.#details = Buffer.alloc(rows * WIDTH)
  }

  has(row: number): boolean {
    return this.#kinds[row] !== NONE
  }

  /** Throws FatalError `disk_full`. */
  set(row: number, outcome: Outcome): void {
    this.#kinds[row] = this.#place(row, outcome)
  }

  forget(row: number): void {
    this.#kinds[row] = NONE
  }

  get(row: number): Outcome | undefined {
    const kind = this.#kinds[row] as number
    const at = row * WIDTH
    if (kind === NONE) return undefined
    if (kind < ELSEWHERE) return PLAIN[kind - 1]
    if (kind === ELSEWHERE) {
      const [start, length] = [this.#details.readDoubleLE(at), this.#details.readUInt32LE(at + 8)]
      return JSON.parse(this.#others?.text(start, length) ?? '') as Outcome
    }
    const created = CREATED[kind - WITH_ID]
    const id = this.#details.toString('latin1', at, at + WIDTH)
    return created === undefined ? { status: 'done', id } : { status: 'done', id, created }
  }

  [Symbol.dispose](): void {
    this.#others?.[Symbol.dispose]()
  }

  #place(row: number, outcome: Outcome): number {
    const plain = PLAIN.findIndex(({ status }) => status === outcome.status)
    const says = outcome.status === 'done' && (outcome.id !== undefined || outcome.created !== undefined)
    if (plain >= 0 && !says) return plain + 1
    const at = row * WIDTH
    if (outcome.status === 'done' && outcome.id !== undefined && ID.test(outcome.id)) {
      this.#details.write(outcome.id, at, 'latin1')
      return WITH_ID + CREATED.indexOf(outcome.created)
    }
    this.#others ??= new TextSpool()
    const text = JSON.stringify(outcome)
    this.#details.writeDoubleLE(this.#others.length, at)
    this.#details.writeUInt32LE(Buffer.byteLength(text), at + 8)
    this.#others.append(text)
    return ELSEWHERE
  }
}
