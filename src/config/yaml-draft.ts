import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import { type Draft, type DraftReader, draftReader, INEXACT, MAX_DEPTH } from './draft.ts'
import type { Environment } from './environment.ts'
import type { Location, Path } from './origin.ts'
import { locatedProblem } from './problem.ts'
import { type YamlLocator, yamlLocator } from './yaml-locator.ts'
import { parseAroundReferences } from './yaml-references.ts'

/** Aliases multiply: ten levels of ten make ten thousand million. No configuration comes near this many values. */
const MAX_NODES = 100_000

const EXCESSIVE = 'this nests deeper, or multiplies by aliases further, than a configuration needs; write it out'
const UNQUOTED = `within { } or [ ] a reference to the environment needs quotes; write "\${NAME}"`

/** Reads YAML 1.2 (core schema). `file` is how the user named it. Problems are collected, not thrown. */
export function readYaml(text: string, file: string, environment: Environment): Draft {
  let lineCounter = new LineCounter()
  const { document, references } = parseAroundReferences(text, (readable) => {
    lineCounter = new LineCounter()
    return parseDocument(readable, {
      lineCounter,
      intAsBigInt: true,
      prettyErrors: false,
      stringKeys: true,
      // Found by the walk below, which knows the path.
      uniqueKeys: false,
    })
  })
  const locator = yamlLocator(text, document, lineCounter)
  const reader = draftReader(locator.locate, file, environment)
  const done = { problems: reader.problems, environmentUses: reader.environmentUses }

  const lines = new Set<number>()
  const add = (location: Location, message: string) => {
    // One slip makes several errors; the first on a line is the one that helps.
    if (lines.has(location.line)) return
    lines.add(location.line)
    reader.problems.addProblem(locatedProblem(reader.problems.origin, location, [], message))
  }
  for (const [start, end] of references) add(locator.at(start, end), UNQUOTED)
  for (const error of [...document.errors, ...document.warnings]) {
    add(locator.at(error.pos[0], error.pos[1]), syntaxMessage(error.code, error.message))
    if (error.code === 'RESOURCE_EXHAUSTION') break
  }
  // What a broken text means is a guess: its other problems are told once it can be read.
  if (lines.size > 0) return { ...done, value: undefined }
  if (document.contents === null) {
    reader.problems.add([], 'the file is empty; write one with `rowferry init`')
    return { ...done, value: undefined }
  }
  return { ...done, value: plainValue(document, document.contents, reader, locator) }
}

function syntaxMessage(code: string, message: string): string {
  if (code === 'RESOURCE_EXHAUSTION') return EXCESSIVE
  if (code === 'BLOCK_AS_IMPLICIT_KEY') return 'a text with a colon at its end, or before a blank, needs quotes'
  if (code === 'TAB_AS_INDENT') return 'a tab cannot indent YAML; use spaces'
  if (code === 'MULTIPLE_DOCS') return 'a second document starts here; remove the --- line'
  if (code === 'NON_STRING_KEY') return 'a list or map cannot be a key; use a name'
  if (code === 'TAG_RESOLVE_FAILED') return `${message}; remove the tag`.replace(/^U/, 'u')
  return `cannot be read as YAML: ${message}`
}

function plainValue(document: Document, contents: Node, reader: DraftReader, locator: YamlLocator): unknown {
  let nodes = 0
  let aliases = 0
  let excessive = false
  const twice = (path: Path, key: Scalar) => {
    const location = locator.at(key.range?.[0] ?? 0, key.range?.[1] ?? 0)
    const message = 'this key is there twice; keep one of them'
    reader.problems.addProblem(locatedProblem(reader.problems.origin, location, path, message))
  }
  const read = (node: Node | null, path: Path): unknown => {
    nodes++
    if (path.length > MAX_DEPTH || (aliases > 0 && nodes > MAX_NODES)) {
      excessive = true
      return undefined
    }
    if (isAlias(node)) {
      aliases++
      const target = node.resolve(document)
      if (target === undefined)
        reader.problems.add(path, `no anchor named &${node.source}; define it before it is used`)
      return target === undefined ? undefined : read(target, path)
    }
    if (isSeq<Node>(node)) return node.items.map((item, index) => read(item, [...path, index]))
    if (isMap<Scalar<string>, Node>(node)) {
      const map: Record<string, unknown> = Object.create(null)
      for (const [index, { key, value }] of node.items.entries()) {
        const at = [...path, key.value]
        if (isCutOff(node, index)) cutOff(node, index, at, reader)
        else if (Object.hasOwn(map, key.value)) twice(at, key)
        else if (reader.accepts(key.value, at)) map[key.value] = read(value, at)
      }
      return map
    }
    return isScalar(node) ? scalar(node, path, reader) : null
  }
  const value = read(contents, [])
  if (!excessive) return value
  reader.problems.add([], EXCESSIVE)
  return undefined
}

type Map = YAMLMap<Scalar<string>, Node | null>

/** Whether it is the second half of `{ sql: select a, b }`: a word without a colon behind an unquoted text. */
function isCutOff({ flow, items }: Map, index: number): boolean {
  return flow === true && items[index]?.value === null && textBefore(items, index) !== undefined
}

/** Only the first piece is told: the others are of the same text. */
function cutOff({ items }: Map, index: number, path: Path, { problems }: DraftReader): void {
  if (items[index - 1]?.value === null) return
  const name = JSON.stringify(textBefore(items, index))
  const message = `this has no value; if it belongs to ${name}, put quotes around the whole text: within { } a comma ends it`
  problems.add(path, message, { part: 'key' })
}

/** The key of the nearest value before, where that is an unquoted text. */
function textBefore(items: Map['items'], index: number): string | undefined {
  const before = items.slice(0, index).findLast(({ value }) => value !== null)
  return isScalar(before?.value) && before.value.type === 'PLAIN' ? before.key.value : undefined
}

function scalar(node: Scalar, path: Path, reader: DraftReader): unknown {
  const { value } = node
  if (typeof value === 'string') return reader.text(value, path)
  if (typeof value !== 'bigint' && typeof value !== 'number') return value
  const number = Number(value)
  const exact = typeof value === 'bigint' ? Number.isSafeInteger(number) : keepsDigits(node.source ?? '', number)
  if (!exact) reader.problems.add(path, INEXACT)
  return number
}

/** Whether a decimal fraction is still the same after it was a JavaScript number. */
function keepsDigits(source: string, number: number): boolean {
  if (!Number.isFinite(number)) return /^[-+]?\.(inf|nan)$/i.test(source)
  const digits = (text: string) =>
    (text.toLowerCase().split('e')[0] as string).replace(/[^\d]/g, '').replace(/^0+/, '').replace(/0+$/, '')
  return digits(source) === digits(String(number))
}
