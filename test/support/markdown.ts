import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const PROJECT = join(import.meta.dirname, '../..')

/** A page of the documentation, by its path in the repository. */
export interface Page {
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  /** The text without its fenced blocks; their lines are empty, so that line numbers stay. */
  readonly prose: string
}

/** A fenced block. */
export interface Block {
  readonly language: string
  /** All that stands behind the fence. */
  readonly info?: string
  /** What stands behind the language: the file that the block is the content of. */
  readonly file: string | undefined
  readonly text: string
  /** Of its first line, from 1. */
  readonly line: number
}

/** README, changelog, security, docs and the READMEs of the examples. */
export function allPages(): readonly Page[] {
  const below = (folder: string) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
      .map((name) => join(folder, name))
  const paths = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', ...below('docs'), ...below('examples')]
  return paths.sort().map(readPage)
}

export function readPage(path: string): Page {
  const text = readFileSync(join(PROJECT, path), 'utf8')
  const blocks: Block[] = []
  const prose: string[] = []
  let open:
    | { fence: string; language: string; info: string; file: string | undefined; lines: string[]; line: number }
    | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence = '', info = ''] = /^ {0,3}(`{3,})([^`]*)$/.exec(line) ?? []
    prose.push(open === undefined && fence === '' ? line : '')
    if (open === undefined) {
      const [language = '', file] = info.trim().split(/\s+/)
      if (fence !== '') open = { fence, language, info: info.trim(), file, lines: [], line: index + 2 }
    } else if (fence === open.fence && info.trim() === '') {
      blocks.push({ ...open, text: `${open.lines.join('\n')}\n` })
      open = undefined
    } else open.lines.push(line)
  }
  return { path: relative('.', path), text, blocks, prose: prose.join('\n') }
}
