/**
 * Fields of CSV, read apart from the product's own code: null for nothing, an empty text for `""`. For whole and
 * well-formed text.
 */
export function parseCsv(text: string): (string | null)[][] {
  const rows: (string | null)[][] = []
  let row: (string | null)[] = []
  for (let at = 0; at < text.length; ) {
    const [matched, quoted, plain = '', end = ''] =
      /^(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/.exec(text.slice(at)) ?? []
    if (matched === undefined) throw new Error(`no CSV at ${JSON.stringify(text.slice(at, at + 40))}`)
    row.push(quoted?.replaceAll('""', '"') ?? (plain === '' ? null : plain))
    at += matched.length
    if (end === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}
