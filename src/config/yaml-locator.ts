import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Scalar } from 'yaml'
import type { Aim, Location, Path } from './origin.ts'

export interface YamlLocator {
  /** The place of the characters `start` to `end`, as far as they are on one line. */
  at(start: number, end: number): Location
  /** See {@link Origin.locate}. */
  locate(path: Path, aim?: Aim): Location
}

/** Finds the nodes of a document again by their paths. */
export function yamlLocator(text: string, document: Document, lineCounter: LineCounter): YamlLocator {
  const lines = text.split('\n')

  const at = (start: number, end: number): Location => {
    const { line, col } = lineCounter.linePos(start)
    const content = (lines[line - 1] ?? '').replace(/\r$/, '')
    const length = Math.max(1, Math.min(end - start, content.length - col + 1))
    return { line, column: col, length, text: content }
  }

  const atNode = (node: Node): Location => at(node.range?.[0] ?? 0, node.range?.[1] ?? 0)

  const locate = (path: Path, aim: Aim = {}): Location => {
    let key: Scalar | undefined
    let value: Node | null = document.contents
    let found = true
    for (const part of path) {
      const inside = isAlias(value) ? value.resolve(document) : value
      const pair = isMap<Scalar, Node>(inside) ? inside.items.find((item) => item.key.value === part) : undefined
      const item = isSeq<Node>(inside) ? inside.items[Number(part)] : undefined
      found = pair !== undefined || item !== undefined
      if (!found) break
      key = pair?.key
      value = pair === undefined ? (item ?? null) : pair.value
    }
    if (value !== null && aim.within !== undefined) {
      const [start, end] = value.range ?? [0, 0]
      const from = text.indexOf(aim.within, start)
      if (from >= 0 && from < end) return at(from, from + aim.within.length)
    }
    // Of a list or a map the key says best which one is meant, and so does it where the value is missing.
    const keyMeant = aim.part === 'key' || !(isScalar(value) || isAlias(value)) || isEmpty(value)
    if (key !== undefined && keyMeant) return atNode(key)
    if (isMap<Scalar, Node>(value) && value.items[0] !== undefined) return atNode(value.items[0].key)
    return value === null ? at(0, 0) : atNode(value)
  }

  return { at, locate }
}

function isEmpty(node: Node): boolean {
  return node.range === undefined || node.range === null || node.range[0] === node.range[1]
}
