import type { ValueKind } from '../core/column.ts'

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * The canonical text of a value as a token of JSON. Integers and decimals keep their digits and never pass through a
 * JavaScript number; NaN and the infinities, for which JSON has nothing, are texts, as is what its kind does not allow.
 */
export function jsonToken(kind: ValueKind, value: string | null): string {
  if (value === null) return 'null'
  switch (kind) {
    case 'integer':
    case 'decimal':
    case 'float':
      return NUMBER.test(value) ? value : JSON.stringify(value)
    case 'boolean':
      return value === 't' ? 'true' : value === 'f' ? 'false' : JSON.stringify(value)
    case 'json':
      // Line breaks between its tokens would end a line of NDJSON.
      return isJson(value) ? value.replace(/[\r\n]+/g, ' ') : JSON.stringify(value)
    default:
      return JSON.stringify(value)
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
