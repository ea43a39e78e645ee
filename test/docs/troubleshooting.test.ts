import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT, exitCodeOf } from '../../src/cli/exit-code.ts'
import { reportOf } from '../cli/report-builder.ts'

/**
 * The page has a section for each code that rowferry itself can give a failure or a row, and says how the process then
 * ends. Codes are found in the sources, by the few ways in which they are written there: a call that makes an error, a
 * property `code`, and the tables and functions that are named below. A code that is written in another way stops the
 * test that reads them, and has to be named here.
 */
const PROJECT = join(import.meta.dirname, '../..')
const SOURCES = join(PROJECT, 'src')
const PAGE = readFileSync(join(PROJECT, 'docs/troubleshooting.md'), 'utf8')

/** What a code is of: decides the exit code. `none` ends no process of its own. */
type Kind = 'configuration' | 'failed' | 'locked' | 'bug' | 'row' | 'guard' | 'remark' | 'none'

/** Functions that are given a code: which argument it is, and, unless the call says it, of what kind. */
const CALLS: readonly { readonly call: string; readonly file?: string; readonly at: number; readonly kind: Kind }[] = [
  { call: 'new FatalError', at: 0, kind: 'failed' },
  { call: 'configurationError', at: 0, kind: 'configuration' },
  { call: 'new BatchRefusedError', at: 0, kind: 'row' },
  { call: 'super', file: 'config/problem.ts', at: 0, kind: 'configuration' },
  { call: 'read', file: 'config/load.ts', at: 1, kind: 'configuration' },
  { call: 'unreadable', file: 'config/load.ts', at: 0, kind: 'configuration' },
  { call: 'bind', file: 'state/key-index-file.ts', at: 1, kind: 'configuration' },
  { call: 'fatal', file: 'state/state-file.ts', at: 0, kind: 'failed' },
  { call: 'fatal', file: 'state/run-history-file.ts', at: 0, kind: 'failed' },
  { call: 'refused', file: 'connectors/postgres-read-error.ts', at: 0, kind: 'configuration' },
  { call: 'refuse', file: 'connectors/sqlite-values.ts', at: 0, kind: 'row' },
]

/** Codes in lists, one a match. */
const LISTS: readonly { readonly file: string; readonly pattern: RegExp; readonly kind: Kind }[] = [
  { file: 'pipeline/keying.ts', pattern: /\(\[\s*'(\w+)',/g, kind: 'row' },
  { file: 'connectors/postgres-write-error.ts', pattern: /^ {2}\[\/.+\/, '(\w+)',/gm, kind: 'failed' },
  { file: 'core/report.ts', pattern: /^ {4}\| '(\w+)'$/gm, kind: 'guard' },
]

/** Files whose properties `code` are not of a row. */
const PROPERTIES: Readonly<Record<string, Kind>> = {
  'cli/run-line.ts': 'none',
  'connectors/postgres-table-check.ts': 'configuration',
  'connectors/sqlite-error.ts': 'failed',
  'state/index-overview.ts': 'failed',
  'engine/validate.ts': 'bug',
}

/** Codes that are handed on: they come from one of the places above, from a database, or from whoever calls. */
const HANDED_ON: Readonly<Record<string, readonly string[]>> = {
  'engine/bench-run.ts': ['error.code'],
  'cli/session.ts': ["known === undefined ? 'internal_error' : code"],
  'config/load.ts': ['code'],
  'connectors/http-operation-options.ts': ['pointer.optional()'],
  'connectors/http-row-outcomes.ts': ["code ?? 'refused'"],
  'connectors/http-sending.ts': ['code'],
  'connectors/http-verdict.ts': ['code ?? byStatus'],
  'connectors/hubspot-errors.ts': ['codeOf(error)'],
  'connectors/postgres-read-error.ts': ['code'],
  'connectors/postgres-table-check.ts': ['first.code'],
  'connectors/salesforce-session.ts': ['error.code'],
  // The list above, and what is in none of its lines.
  'connectors/postgres-write-error.ts': ['code', "known ?? 'postgres_error'"],
  'connectors/sqlite-error.ts': ['known.code'],
  'connectors/sqlite-thread-messages.ts': ['code as string'],
  'connectors/sqlite-writer.ts': ['error.code'],
  'core/errors.ts': ['code'],
  'pipeline/batch-sender.ts': ['error.code'],
  'pipeline/batch-writer.ts': ['claim.code'],
  'pipeline/count-outcome.ts': ['outcome.code'],
  'engine/preview.ts': ['mapped.code'],
  'state/index-overview.ts': ['error.code'],
  'state/key-index-file.ts': ['code'],
  'state/run-history-file.ts': ['name'],
  'state/state-file.ts': ['name'],
  'engine/validate.ts': ['error.code'],
}

/** Codes of other systems that the sources compare with or throw for themselves to catch. */
const NOT_OURS = new Set(['custom', 'SQLITE_BUSY'])

/** What is not of the kind that its place says. */
const OTHERWISE: Readonly<Record<string, Partial<Record<Kind, Kind>>>> = {
  // Guards that stop the run, and one that only says something.
  min_rows: { guard: 'failed' },
  max_rejected: { guard: 'failed' },
  partial_run: { guard: 'remark' },
  not_a_database: { failed: 'configuration' },
}

/** What stands behind `code:` in a type. */
const TYPES = /^(string|unknown|number|ExitCode|Refusal\['code'\])/

interface Reading {
  readonly kinds: Map<string, Set<Kind>>
  /** Places where a code stands that could not be read. */
  readonly unread: string[]
  /** How often each call, list and entry of HANDED_ON was met. */
  readonly met: Map<string, number>
}

function readCodes(): Reading {
  const reading: Reading = { kinds: new Map(), unread: [], met: new Map() }
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'))
  for (const file of files.filter((name) => name.endsWith('.ts') && !/^(testing|simulators)\//.test(name)).sort()) {
    const text = withoutComments(readFileSync(join(SOURCES, file), 'utf8'))
    const note = (code: string, kind: Kind) => {
      const kinds = reading.kinds.get(code) ?? new Set()
      reading.kinds.set(code, kinds.add(OTHERWISE[code]?.[kind] ?? kind))
    }
    const meet = (id: string) => reading.met.set(id, (reading.met.get(id) ?? 0) + 1)
    /** One code, two of which a condition chooses, or what is named above. */
    const take = (expression: string, kind: Kind) => {
      const codes = /^(?:[^?:]+ \? '(\w+)' : )?'(\w+)'$/.exec(expression)?.slice(1)
      if (HANDED_ON[file]?.includes(expression)) meet(`${file} ${expression}`)
      else if (codes === undefined) reading.unread.push(`src/${file}: ${expression}`)
      else for (const code of codes) if (code !== undefined && !NOT_OURS.has(code)) note(code, kind)
    }
    for (const { call, file: only, at, kind } of CALLS) {
      if (only !== undefined && only !== file) continue
      for (const found of text.matchAll(new RegExp(`(?<![\\w.]|function )${call}\\(`, 'g'))) {
        const given = argumentsAt(text, found.index + found[0].length)
        // A method of the same name that takes less.
        if (given.length <= at) continue
        meet(`${call} ${only ?? ''}`)
        const said = /\bkind: '(\w+)'/.exec(given.slice(at + 1).join())?.[1] as Kind | undefined
        take(given[at] ?? '', said ?? kind)
      }
    }
    for (const { file: only, pattern, kind } of LISTS.filter((list) => list.file === file)) {
      for (const [, code = ''] of text.matchAll(pattern)) {
        meet(only)
        note(code, kind)
      }
    }
    // Not in a type, where what follows is the name of one.
    for (const [, value = ''] of text.matchAll(/(?<!readonly |[\w.])code: ((?:'[^']*'|[^',}\n])+)/g)) {
      if (!TYPES.test(value)) take(value.trim(), PROPERTIES[file] ?? 'row')
    }
  }
  return reading
}

/** Line comments that follow code stay: none of ours names a code as code does. */
function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*\*?[\s\S]*?\*\//gm, '').replace(/^\s*\/\/.*$/gm, '')
}

/** The arguments of a call, as they are written. `from` is behind its parenthesis. */
function argumentsAt(text: string, from: number): string[] {
  const given: string[] = []
  let depth = 0
  let start = from
  for (let at = from; at < text.length; at++) {
    const character = text[at] as string
    if ('\'"`'.includes(character)) at = endOfText(text, at)
    else if ('([{'.includes(character)) depth++
    else if (depth === 0 && (character === ',' || character === ')')) {
      given.push(text.slice(start, at).trim())
      start = at + 1
      if (character === ')') return given
    } else if (')]}'.includes(character)) depth--
  }
  throw new Error(`a call has no end: ${text.slice(from, from + 80)}`)
}

/** Where the literal ends that begins at `from`. */
function endOfText(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === text[from]) return at
    else if (text[from] === '`' && text[at] === '$' && text[at + 1] === '{') at = endOfBraces(text, at + 2)
  }
  throw new Error(`a text has no end: ${text.slice(from, from + 80)}`)
}

/** Where the brace ends that was opened before `from`: what stands in it may hold texts of its own. */
function endOfBraces(text: string, from: number): number {
  for (let at = from, depth = 0; at < text.length; at++) {
    const character = text[at] as string
    if ('\'"`'.includes(character)) at = endOfText(text, at)
    else if (character === '{') depth++
    else if (character === '}' && depth-- === 0) return at
  }
  throw new Error(`a brace has no end: ${text.slice(from, from + 80)}`)
}

function exitCodeOfKind(kind: Kind, code: string): readonly number[] {
  if (kind === 'none') return []
  if (kind === 'row') return [EXIT.rowErrors]
  if (kind === 'guard') return [EXIT.deletesHeld]
  if (kind === 'remark') return [EXIT.done]
  return [exitCodeOf(reportOf({ status: 'failed', error: { code, kind, message: '' } }))]
}

/** The sections of the page: the code, and the exit codes that its first words say, which are bold. */
const SECTIONS = [...PAGE.matchAll(/^### (.+)\n\n(.*)/gm)].map(([, heading = '', first = '']) => ({
  code: heading,
  exits: [...(/^\*\*(.+?)\*\*/.exec(first)?.[1] ?? '?').matchAll(/\d+|\?/g)].map(([number]) => Number(number)),
}))

const { kinds, unread, met } = readCodes()

test('every code in the sources can be read, or is known to be handed on', () => {
  assert.deepEqual(unread, [])
  assert.ok(kinds.size > 120, `only ${kinds.size} codes were found`)
})

test('no way of writing a code is named here that the sources no longer use', () => {
  const ways = [
    ...CALLS.map(({ call, file }) => `${call} ${file ?? ''}`),
    ...LISTS.map(({ file }) => file),
    ...Object.entries(HANDED_ON).flatMap(([file, expressions]) => expressions.map((one) => `${file} ${one}`)),
  ]
  assert.deepEqual(
    ways.filter((way) => !met.has(way)),
    [],
  )
})

test('every code has one section, and every section a code', () => {
  const sections = SECTIONS.map(({ code }) => code)
  assert.deepEqual(
    {
      'codes without a section': [...kinds.keys()].filter((code) => !sections.includes(code)),
      'sections without a code': sections.filter((code) => !kinds.has(code)),
      'codes with two sections': sections.filter((code, index) => sections.indexOf(code) < index),
    },
    { 'codes without a section': [], 'sections without a code': [], 'codes with two sections': [] },
  )
})

test('a section says how the process ends', () => {
  for (const { code, exits } of SECTIONS) {
    const right = [...(kinds.get(code) ?? [])].flatMap((kind) => exitCodeOfKind(kind, code))
    assert.deepEqual(exits.sort(ascending), [...new Set(right)].sort(ascending), code)
  }
})

const ascending = (a: number, b: number) => a - b
