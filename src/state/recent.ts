/**
 * What was read or written last, up to about twice `most` of whatever weights come to. What is in use stays: it moves from
 * the older half, which is dropped as a whole, to the younger one.
 */
export class Recent<Value> {
  readonly #most: number
  readonly #weigh: (key: string, value: Value) => number
  #weight = 0
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(most: number, weigh: (key: string, value: Value) => number) {
    this.#most = most
    this.#weigh = weigh
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: Value): void {
    if (this.#weight > this.#most) {
      this.#old = this.#young
      this.#young = new Map()
      this.#weight = 0
    }
    this.#weight += this.#weigh(key, value)
    this.#young.set(key, value)
  }
}
