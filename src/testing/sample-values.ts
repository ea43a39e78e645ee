import type { ValueKind } from '../core/column.ts'

/** Values of each kind that systems like to change: what is sent has to be what is found afterwards. */
export const SAMPLE_VALUES: Readonly<Record<Exclude<ValueKind, 'other'>, readonly string[]>> = {
  text: [
    '',
    ' ',
    ' leading and trailing ',
    'Zoë',
    // Composed and decomposed: two texts.
    'caf\u00e9',
    'cafe\u0301',
    '👩‍👩‍👧 and 𝒳',
    'a\ttab',
    'a\nline',
    'DOS\r\nlines\r\n',
    'back\\slash \\t \\n',
    '\\N',
    '\\.',
    `'single' "double" \`back\``,
    'comma, semicolon; pipe|',
    '=1+1',
    '<b>&amp;</b>',
    '$HOME {{x}} %s',
    'null',
    'x'.repeat(10 * 1024),
  ],
  integer: ['0', '-1', '42', '9007199254740993', '9223372036854775807', '-9223372036854775808'],
  decimal: ['0', '-0.5', '1.10', '0.000001', '12345678901234567890.123456789', '79228162514264337593543950336'],
  float: ['0', '0.1', '-1.5', '1e+300', '2.2250738585072014e-308'],
  boolean: ['t', 'f'],
  bytes: ['\\x', '\\x00', '\\x00ff0a0d5c', `\\x${'ab'.repeat(1000)}`],
  date: ['2024-02-29', '1970-01-01', '0001-01-01', '9999-12-31'],
  timestamp: ['2024-02-29 23:59:59.123456+00', '1970-01-01 00:00:00+00', '2038-01-19 03:14:08+00'],
  json: ['{"a": [1, 2.5, "x\\ny"], "b": {"c": null}}', '[]', '"text"', 'null', 'true'],
}

/** Whether a value came back as it was, whatever way of writing the system prefers where there are several. */
export function sameValue(kind: ValueKind, sent: string, found: string | null | undefined): boolean {
  if (sent === found) return true
  if (found === null || found === undefined) return false
  if (kind === 'float') return Number(sent) === Number(found)
  if (kind !== 'json') return false
  try {
    return canonicalJson(JSON.parse(sent)) === canonicalJson(JSON.parse(found))
  } catch {
    return false
  }
}

/** The same text for equal values, whatever the order of members. */
function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join()}}`
}
