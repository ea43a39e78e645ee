/** A JSON value with the text it came as, so that no digit of a number is lost. */
export interface RawJson {
  /** As it arrived, without the spaces around it. */
  readonly text: string
  /** Of an object: undefined for anything else. A name that is there twice has its last value. */
  readonly members: ReadonlyMap<string, RawJson> | undefined
  readonly items: readonly RawJson[] | undefined
}

/** Reads a text; undefined where it is no JSON. */
export function readRawJson(text: string): RawJson | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  return new Reader(text).value()
}

/** A scalar as text: a string without its quotes, a number digit by digit. Undefined for null, objects and lists. */
export function rawText(raw: RawJson | undefined): string | undefined {
  if (raw === undefined || raw.text === 'null' || raw.members !== undefined || raw.items !== undefined) return undefined
  return raw.text.startsWith('"') ? (JSON.parse(raw.text) as string) : raw.text
}

/** The text is known to be JSON: nothing is checked again. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): RawJson {
    this.#blank()
    const from = this.#at
    const first = this.#text[from]
    let members: Map<string, RawJson> | undefined
    let items: RawJson[] | undefined
    if (first === '{') members = this.#members()
    else if (first === '[') items = this.#items()
    else if (first === '"') this.#string()
    else while (this.#at < this.#text.length && !/[\s,\]}]/.test(this.#text[this.#at] as string)) this.#at++
    const text = this.#text.slice(from, this.#at)
    this.#blank()
    return { text, members, items }
  }

  #members(): Map<string, RawJson> {
    const members = new Map<string, RawJson>()
    this.#at++
    for (this.#blank(); this.#text[this.#at] !== '}'; this.#comma()) {
      const from = this.#at
      this.#string()
      const name = JSON.parse(this.#text.slice(from, this.#at)) as string
      this.#blank()
      this.#at++
      members.set(name, this.value())
    }
    this.#at++
    return members
  }

  #items(): RawJson[] {
    const items: RawJson[] = []
    this.#at++
    for (this.#blank(); this.#text[this.#at] !== ']'; this.#comma()) items.push(this.value())
    this.#at++
    return items
  }

  #comma(): void {
    if (this.#text[this.#at] === ',') this.#at++
    this.#blank()
  }

  #string(): void {
    for (this.#at++; this.#text[this.#at] !== '"'; this.#at++) if (this.#text[this.#at] === '\\') this.#at++
    this.#at++
  }

  #blank(): void {
    while (/\s/.test(this.#text[this.#at] ?? 'x')) this.#at++
  }
}
