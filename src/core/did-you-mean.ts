/**
 * The candidate that `word` is most likely a misspelling of: equal but for case and punctuation, or at most a
 * third of its letters away (an insertion, a deletion, a substitution or a swap of neighbours each count as one).
 * Undefined where nothing is near.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = simplified(word)
  // What comes from a file or a command line may be of any length; no name is longer than this.
  if (wanted === '' || wanted.length > 100) return undefined
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const letters = simplified(candidate)
    if (letters === '') continue
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, letters.length) / 3))
    if (Math.abs(wanted.length - letters.length) > limit) continue
    const distance = wanted === letters ? 0 : editDistance(wanted, letters)
    if (distance > limit) continue
    // A word of one or two letters is one edit from every other such word.
    const isShort = Math.min(wanted.length, letters.length) < 3
    if (isShort && !wanted.startsWith(letters) && !letters.startsWith(wanted)) continue
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** {@link didYouMean} as the end of a message: ` — did you mean "x"?`, or nothing. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const nearest = didYouMean(word, candidates)
  return nearest === undefined ? '' : ` — did you mean "${nearest}"?`
}

function simplified(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}

// Optimal string alignment: Levenshtein with swaps of neighbours, three rows at a time.
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(
        (previous[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (previous[column - 1] as number) + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, (beforePrevious[column - 2] as number) + 1)
      current.push(cost)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.length] as number
}
