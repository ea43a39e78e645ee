import { suggestion } from '../core/did-you-mean.ts'
import { type JsonTree, treeOf } from './http-json.ts'

/** How a value is written where the field alone does not say it. */
export type ValueForm = 'text' | 'rfc3339' | 'unix' | 'unix_ms' | 'json'

/** A body as its author wrote it, read once. References are resolved for each change. */
export type Template =
  | { readonly kind: 'literal'; readonly tree: JsonTree }
  | { readonly kind: 'list'; readonly items: readonly Template[] }
  | { readonly kind: 'map'; readonly members: readonly (readonly [string, Template])[] }
  | { readonly kind: 'field'; readonly name: string; readonly form: ValueForm | undefined }
  | {
      readonly kind: 'fields'
      readonly of: FieldSet
      readonly only: ReadonlySet<string> | undefined
      readonly except: ReadonlySet<string>
    }
  | { readonly kind: 'key' | 'id' | 'row' | 'operation' | 'idempotency_key' }
  | { readonly kind: 'each'; readonly item: Template }
  | { readonly kind: 'merge'; readonly parts: readonly Template[] }

/** `record`: all fields that are written; `fields`: those but the match; `on_insert`: those that are for inserts only. */
export type FieldSet = 'record' | 'fields' | 'on_insert'

/** Where something is wrong in a template, from its root. */
interface TemplateProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

const WORDS: Readonly<Record<string, Template>> = {
  $record: { kind: 'fields', of: 'record', only: undefined, except: new Set() },
  $fields: { kind: 'fields', of: 'fields', only: undefined, except: new Set() },
  $on_insert: { kind: 'fields', of: 'on_insert', only: undefined, except: new Set() },
  $key: { kind: 'key' },
  $id: { kind: 'id' },
  $row: { kind: 'row' },
  $operation: { kind: 'operation' },
  $idempotency_key: { kind: 'idempotency_key' },
}
const FORMS: readonly ValueForm[] = ['text', 'rfc3339', 'unix', 'unix_ms', 'json']
const MAPS = ['$field', '$each', '$merge', '$literal', '$record', '$fields', '$on_insert']

/** Reads a template. `rows`: the request is for many changes, so that a row is only known inside of `$each`. */
export function readTemplate(
  written: unknown,
  { rows }: { readonly rows: boolean },
): { readonly template: Template; readonly problems: readonly TemplateProblem[] } {
  const problems: TemplateProblem[] = []
  let eaches = 0

  function read(value: unknown, path: readonly (string | number)[], inRow: boolean): Template {
    const wrong = (message: string, at: readonly (string | number)[] = path): Template => {
      problems.push({ path: at, message })
      return { kind: 'literal', tree: { token: 'null' } }
    }
    if (typeof value === 'string' && value.startsWith('$')) {
      const word = Object.hasOwn(WORDS, value) ? (WORDS[value] as Template) : undefined
      if (word === undefined) {
        const names = Object.keys(WORDS)
        return wrong(
          `there is no reference ${value}${suggestion(value, names)}; there are ${names.join(', ')}, and for a field ` +
            `{ $field: NAME }. A text that starts with a dollar is { $literal: "${value}" }`,
        )
      }
      if (!inRow && !['operation', 'idempotency_key'].includes(word.kind)) return wrong(outside(value))
      return word
    }
    if (Array.isArray(value)) return { kind: 'list', items: value.map((item, at) => read(item, [...path, at], inRow)) }
    if (typeof value !== 'object' || value === null) return { kind: 'literal', tree: treeOf(value) }
    const entries = Object.entries(value as Record<string, unknown>)
    const special = entries.find(([name]) => name.startsWith('$'))
    if (special === undefined) {
      return { kind: 'map', members: entries.map(([name, member]) => [name, read(member, [...path, name], inRow)]) }
    }
    const [name, argument] = special
    if (!MAPS.includes(name)) {
      return wrong(`there is no ${name}${suggestion(name, MAPS)}; a map may hold ${MAPS.join(', ')}`, [...path, name])
    }
    const others = entries.map(([other]) => other).filter((other) => other !== name)
    const allowed = name === '$field' ? ['as'] : []
    const stray = others.find((other) => !allowed.includes(other))
    if (stray !== undefined) return wrong(`${name} stands alone in its map; move ${stray} away`, [...path, stray])
    const inside = [...path, name]
    switch (name) {
      case '$literal':
        return { kind: 'literal', tree: treeOf(argument) }
      case '$each':
        eaches++
        if (!rows) return wrong('$each is for mode: batch; a single request has one record: write its template alone')
        if (inRow) return wrong('$each stands inside of $each; write the inner template alone')
        return { kind: 'each', item: read(argument, inside, true) }
      case '$merge':
        if (!Array.isArray(argument)) return wrong('$merge takes a list of maps, such as [$record, { type: person }]')
        return {
          kind: 'merge',
          parts: argument.map((part, at) => mapOf(read(part, [...inside, at], inRow), [...inside, at])),
        }
      case '$field': {
        if (typeof argument !== 'string' || argument === '') return wrong('$field takes the name of a field')
        if (!inRow) return wrong(outside(`the field ${argument}`))
        const form = (value as Record<string, unknown>)['as']
        if (form !== undefined && !FORMS.includes(form as ValueForm)) {
          return wrong(`expected ${FORMS.join(' | ')}${suggestion(String(form), FORMS)}`, [...path, 'as'])
        }
        return { kind: 'field', name: argument, form: form as ValueForm | undefined }
      }
      default: {
        if (!inRow) return wrong(outside(name))
        const chosen = readChoice(argument)
        if (typeof chosen === 'string') return wrong(chosen, inside)
        return { kind: 'fields', of: name.slice(1) as FieldSet, ...chosen }
      }
    }
  }

  /** A part of a merge; anything but a map would be lost. A key is one where the match has several fields. */
  function mapOf(part: Template, path: readonly (string | number)[]): Template {
    const isMap =
      part.kind === 'literal' ? 'members' in part.tree : ['map', 'merge', 'fields', 'key'].includes(part.kind)
    if (!isMap && problems.length === 0) {
      problems.push({ path, message: '$merge takes maps, and this is none: give it a name, as in { name: VALUE }' })
    }
    return part
  }

  const template = read(written, [], !rows)
  if (rows && eaches === 0 && problems.length === 0) {
    problems.push({ path: [], message: 'a batch needs { $each: … } where its records go' })
  }
  if (eaches > 1) problems.push({ path: [], message: '$each is there more than once; the records go to one place' })
  return { template, problems }
}

function outside(what: string): string {
  return `${what} belongs to one record; in a batch it has to stand inside of { $each: … }`
}

function readChoice(
  argument: unknown,
): { only: ReadonlySet<string> | undefined; except: ReadonlySet<string> } | string {
  const expected = 'expected { only: [FIELD, …] } or { except: [FIELD, …] }'
  if (typeof argument !== 'object' || argument === null) return expected
  const entries = Object.entries(argument)
  const [choice] = entries
  if (entries.length !== 1 || choice === undefined || !Array.isArray(choice[1])) return expected
  const names = new Set(choice[1].map(String))
  if (choice[0] === 'only') return { only: names, except: new Set() }
  return choice[0] === 'except' ? { only: undefined, except: names } : expected
}

/** Every reference of a template, itself included. */
export function* referencesOf(template: Template): Generator<Template> {
  yield template
  if (template.kind === 'list') for (const item of template.items) yield* referencesOf(item)
  if (template.kind === 'map') for (const [, member] of template.members) yield* referencesOf(member)
  if (template.kind === 'merge') for (const part of template.parts) yield* referencesOf(part)
  if (template.kind === 'each') yield* referencesOf(template.item)
}
