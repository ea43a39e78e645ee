import { parseAllDocuments } from 'yaml'
import type { Block, Page } from './markdown.ts'

/** A command line of rowferry that a page shows. */
export interface DocumentedCommand {
  /** `docs/cli.md:12` */
  readonly place: string
  /** As it is written. */
  readonly text: string
  /** Whether it may be no more than the name of a command: in a sentence. */
  readonly isName: boolean
  /** What stands behind `rowferry`, with something in the place of what stands for something. */
  readonly argv: readonly string[]
}

/** The word as a command: at the beginning, behind an operator or a word that starts it, or at the end of a path. */
const COMMAND = /(?<=^\s*|[|&;(=$`"':]\s*|\/|\b(?:exec|npx) )rowferry(?= +[^\s=])/g

/** Programs are checked by running them, and messages begin with a colon. */
const OTHER_LANGUAGES = ['ts', 'js', 'json', 'sql', 'csv']

/** What stands for something, and something. */
const PLACEHOLDERS: Readonly<Record<string, string>> = { N: '1', SHELL: 'bash', COMMAND: 'run' }

/** Every command line in the fenced blocks and the code spans of a page. */
export function commandsOf(page: Page): DocumentedCommand[] {
  const found: DocumentedCommand[] = []
  const add = (line: number, text: string, isName: boolean) => {
    for (const { index } of text.matchAll(COMMAND)) {
      const rest = text.slice(index)
      if (isComment(text.slice(0, index))) continue
      const argv = argvOf(rest.slice('rowferry'.length).trimStart())
      if (argv.length > 0) found.push({ place: `${page.path}:${line}`, text: rest, isName, argv })
    }
  }
  for (const block of page.blocks) {
    if (OTHER_LANGUAGES.includes(block.language)) continue
    for (const [line, text] of joinedLines(block)) if (!/^\s*Usage: /.test(text)) add(line, text, false)
    if (block.language === 'yaml') found.push(...containerCommands(page.path, block))
  }
  for (const [index, line] of page.prose.split('\n').entries()) {
    for (const [, span = ''] of line.matchAll(/`([^`]+)`/g))
      if (/^(?:npx )?rowferry /.test(span)) add(index + 1, span, true)
  }
  return found
}

/** Behind `# ` or `// ` stands a sentence. */
function isComment(before: string): boolean {
  return /(?:^|\s)(?:#|\/\/)\s/.test(before)
}

/** Lines with their numbers; a backslash or an operator at its end joins one to the next. */
function* joinedLines({ text, line }: Block): Generator<[number, string]> {
  let joined = ''
  for (const [index, one] of text.split('\n').entries()) {
    if (one.endsWith('\\')) joined += `${one.slice(0, -1).trim()} `
    else {
      yield [line + index, joined + (joined === '' ? one : one.trimStart())]
      joined = ''
    }
  }
}

/** Words as a shell would part them, up to the next operator, comment or description (behind two blanks). */
export function argvOf(text: string): string[] {
  const words: string[] = []
  let rest = text
  while (rest !== '' && !/^(?:\s{2,}|\s*[|;&>)#`])/.test(rest)) {
    const [whole = '', word = ''] = /^\s?((?:'[^']*'|"[^"]*"|[^\s'"|;&>)`])+)/.exec(rest) ?? []
    if (whole === '') break
    rest = rest.slice(whole.length)
    words.push(word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'))
  }
  return words.map(something).filter((word) => word !== '')
}

function something(word: string): string {
  const plain = word.replaceAll('…', '').replace(/^\[(.*?)\]?$/, '$1')
  if (/^\$\w+$/.test(plain)) return '1'
  return PLACEHOLDERS[plain] ?? plain
}

/** `args` of containers that are named rowferry. */
function containerCommands(path: string, { text, line }: Block): DocumentedCommand[] {
  const found: DocumentedCommand[] = []
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return
    const { name, args } = value as { name?: unknown; args?: unknown }
    if (name === 'rowferry' && Array.isArray(args)) {
      found.push({
        place: `${path}:${line}`,
        text: `args: [${args.join(', ')}]`,
        isName: false,
        argv: args.map(String),
      })
    }
    for (const item of Object.values(value)) visit(item)
  }
  for (const document of parseAllDocuments(text)) if (document.errors.length === 0) visit(document.toJS())
  return found
}
