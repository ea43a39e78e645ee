import { suggestion } from '../core/did-you-mean.ts'
import { type Row, textAt } from './http-rows.ts'

/** A text with `{field}`, `{$key}` or `{$id}` in it: texts at even places, names at odd ones. */
export type UrlParts = readonly string[]

/** Reads `/people/{email}`. Throws nothing: what is wrong is a problem of the answer. */
export function readUrlParts(written: string): { readonly parts: UrlParts; readonly problem?: string } {
  const parts = written.split(/\{([^{}]*)\}/)
  const rest = parts.filter((_, at) => at % 2 === 0).join('')
  if (/[{}]/.test(rest)) return { parts, problem: 'a brace stands alone; write {FIELD}, {$key} or {$id}' }
  for (const name of namesOf(parts)) {
    if (name === '') return { parts, problem: 'the braces are empty; write {FIELD}, {$key} or {$id}' }
    if (name.startsWith('$') && name !== '$key' && name !== '$id') {
      return { parts, problem: `there is no {${name}}${suggestion(name, ['$key', '$id'])}; there are {$key} and {$id}` }
    }
  }
  return { parts }
}

export function namesOf(parts: UrlParts): readonly string[] {
  return parts.filter((_, at) => at % 2 === 1)
}

/**
 * The text for one row, every value encoded so that it stays one piece: also dots, because `..` would climb. Undefined where
 * a value is missing: a null, an id that nobody knows.
 */
export function fillUrl(parts: UrlParts, row: Row | undefined): string | undefined {
  let text = ''
  for (const [at, part] of parts.entries()) {
    if (at % 2 === 0) text += part
    else {
      const value = row === undefined ? undefined : rowValue(part, row)
      if (value === undefined || value === null || value === '') return undefined
      text += encoded(value)
    }
  }
  return text
}

function rowValue(name: string, row: Row): string | null | undefined {
  if (name === '$id') return row.id
  const at = name === '$key' ? 0 : row.fields.findIndex((field) => field.name === name)
  return at < 0 ? undefined : textAt(row, at)
}

/** One path segment or query value: nothing but letters, digits, `-`, `_` and `~` stays as it is. */
export function encoded(value: string): string {
  return encodeURIComponent(value).replace(
    /[.!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
