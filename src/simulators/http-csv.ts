import type { RawJson } from './http-raw-json.ts'

/** CSV with a header line, as RFC 4180 has it: nothing is null, `""` is an empty text. Undefined where a quote is not closed. */
export function csvRows(text: string): ReadonlyMap<string, RawJson>[] | undefined {
  const lines: (string | null)[][] = [[]]
  let at = 0
  while (at < text.length) {
    const line = lines.at(-1) as (string | null)[]
    if (text[at] === '"') {
      let value = ''
      for (at++; ; at++) {
        if (at >= text.length) return undefined
        if (text[at] !== '"') value += text[at]
        else if (text[at + 1] === '"') value += text[at++]
        else break
      }
      at++
      line.push(value)
    } else {
      const from = at
      while (at < text.length && !/[,\r\n]/.test(text[at] as string)) at++
      line.push(at === from ? null : text.slice(from, at))
    }
    if (text[at] === ',') {
      at++
      if (at === text.length || /[\r\n]/.test(text[at] as string)) line.push(null)
      else continue
    }
    while (text[at] === '\r') at++
    if (text[at] === '\n') {
      at++
      if (at < text.length) lines.push([])
    }
  }
  const [header = [], ...rows] = lines
  return rows.map((row) => new Map(header.map((name, column) => [name ?? '', rawOf(row[column] ?? null)])))
}

function rawOf(value: string | null): RawJson {
  return { text: value === null ? 'null' : JSON.stringify(value), members: undefined, items: undefined }
}
