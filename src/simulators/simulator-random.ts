/** Numbers that look random and are the same for the same seed. */
export interface SeededRandom {
  /** 0 up to, and without, 1. */
  next(): number
  /** A whole number, 0 up to, and without, `below`. */
  below(below: number): number
  /** Another sequence, which depends on this seed and on `name` and on nothing that was drawn here. */
  fork(name: string): SeededRandom
  /** Shuffles in place, and answers what it was given. */
  shuffle<T>(items: T[]): T[]
}

/** The generator mulberry32 over an FNV-1a hash of the seed. */
export function seededRandom(seed: number | string): SeededRandom {
  let state = hash(String(seed))
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    next,
    below,
    fork: (name) => seededRandom(`${seed}/${name}`),
    shuffle(items) {
      for (let at = items.length - 1; at > 0; at--) {
        const other = below(at + 1)
        const moved = items[at] as (typeof items)[number]
        items[at] = items[other] as (typeof items)[number]
        items[other] = moved
      }
      return items
    },
  }
}

function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value
}
