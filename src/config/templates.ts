/** Literal texts and column names in turn, literals first and last. */
export type TemplateParts = readonly string[]

/**
 * Splits `"{first_name} {last_name}"`; `{{` and `}}` are literal braces. Spaces around a column's name are ignored.
 * The problem is a sentence that ends with what to write.
 */
export function parseTemplate(template: string): { readonly parts: TemplateParts } | { readonly problem: string } {
  const parts: string[] = []
  let literal = ''
  for (let at = 0; at < template.length; at++) {
    const character = template[at] as string
    if ((character === '{' || character === '}') && template[at + 1] === character) {
      literal += character
      at++
    } else if (character === '{') {
      const end = template.indexOf('}', at)
      const column = end < 0 ? '' : template.slice(at + 1, end).trim()
      if (end < 0) return { problem: 'a brace is not closed; write {column}, or {{ for a brace' }
      if (column === '' || column.includes('{'))
        return { problem: 'a brace holds no column name; write {column}, or {{ for a brace' }
      parts.push(literal, column)
      literal = ''
      at = end
    } else if (character === '}') return { problem: 'a brace is closed that was not opened; write }} for a brace' }
    else literal += character
  }
  if (parts.length === 0) return { problem: 'a template without a column is a constant; write { value: … } instead' }
  return { parts: [...parts, literal] }
}
