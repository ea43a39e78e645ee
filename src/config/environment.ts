import { didYouMean } from '../core/did-you-mean.ts'

/** Environment variables: `process.env` or anything of that shape. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface Expansion {
  readonly text: string
  /** Whether a reference was replaced, if only by its default. */
  readonly expanded: boolean
  /** Values of the variables that are part of the text. */
  readonly values: readonly string[]
  readonly problems: readonly ExpansionProblem[]
}

export interface ExpansionProblem {
  /** The reference as written, as far as its name goes, to find it again in the file: `${NAME}`, `${NAME:?`. */
  readonly reference: string
  readonly message: string
  readonly suggestion: string | undefined
}

/** References within references: each is a call, and nobody writes a handful. */
const MOST_NESTED = 50

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(\}|:-|:\?)/y

/**
 * Replaces `${NAME}`, `${NAME:-default}` and `${NAME:?message}`; `$$` is a literal dollar, any other `$` is itself.
 * As in a shell, the forms with a colon take an empty variable for an unset one, and a default or message may hold
 * references in turn, which count only when it is used. A value is inserted as it is and never looked at again.
 */
export function expandEnvironment(text: string, environment: Environment): Expansion {
  const values: string[] = []
  const problems: ExpansionProblem[] = []
  let expanded = false
  let at = 0
  let depth = 0

  // Reads up to the end, or to the brace that closes the surrounding reference; collects only where it is used.
  function read(nested: boolean, used: boolean): string {
    let out = ''
    while (at < text.length && !(nested && text[at] === '}')) {
      if (text.startsWith('$$', at)) {
        out += '$'
        at += 2
      } else if (text.startsWith('${', at)) out += reference(used)
      else out += text[at++]
    }
    return out
  }

  function reference(used: boolean): string {
    const start = at
    REFERENCE.lastIndex = at
    const match = REFERENCE.exec(text)
    if (match === null || depth === MOST_NESTED) return malformed(start, used)
    const [head, name, form] = match as unknown as [string, string, string]
    at += head.length
    expanded = true
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    const given = form === '}' ? value !== undefined : value !== undefined && value !== ''
    depth++
    const alternative = form === '}' ? '' : read(true, used && !given)
    depth--
    if (form !== '}') {
      if (text[at] !== '}') return malformed(start, used)
      at++
    }
    if (given) {
      if (used) values.push(value as string)
      return value as string
    }
    if (form === ':-') return alternative
    if (used) problems.push(unset(name, head, alternative))
    return ''
  }

  function unset(name: string, head: string, message: string): ExpansionProblem {
    const hint = head.endsWith('?') && message !== '' ? message : `set it, or give a default: \${${name}:-value}`
    const suggestion = didYouMean(name, Object.keys(environment))
    return { reference: head, message: `environment variable ${name} is not set; ${hint}`, suggestion }
  }

  function malformed(start: number, used: boolean): string {
    at = text.length
    const reference = text.slice(start).split('\n', 1)[0] as string
    if (used)
      problems.push({
        reference,
        message: `\${ starts no reference; write \${NAME}, \${NAME:-default} or \${NAME:?message}, and $$ for a dollar`,
        suggestion: undefined,
      })
    return ''
  }

  const result = text.includes('$') ? read(false, true) : text
  return { text: result, expanded, values: values.filter((value) => value !== ''), problems }
}
