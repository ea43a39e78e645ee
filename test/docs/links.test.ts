import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { allPages, type Page, readPage } from '../support/markdown.ts'

/** The anchors that GitHub makes of the headings of a page: lower case, no punctuation, blanks as hyphens. */
function anchorsOf({ prose }: Pick<Page, 'prose'>): Set<string> {
  const anchors = new Set<string>()
  const times = new Map<string, number>()
  for (const [, heading = ''] of prose.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const text = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[*`]/g, '')
    const anchor = text
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-')
    const before = times.get(anchor) ?? 0
    times.set(anchor, before + 1)
    anchors.add(before === 0 ? anchor : `${anchor}-${before}`)
  }
  for (const [, name = ''] of prose.matchAll(/<a (?:name|id)="([^"]+)"/g)) anchors.add(name)
  return anchors
}

interface Link {
  readonly place: string
  readonly target: string
}

/** Links and images outside of code. */
function linksOf({ path, prose }: Page): Link[] {
  return prose
    .split('\n')
    .flatMap((line, index) =>
      [
        ...line.replace(/`[^`]*`/g, (code) => ' '.repeat(code.length)).matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g),
      ].map(([, target = '']) => ({ place: `${path}:${index + 1}`, target })),
    )
}

/** What is wrong with a link of that page; undefined where it leads somewhere. */
function problem(page: Page, target: string): string | undefined {
  if (/^(?:https?|mailto):/.test(target)) return URL.canParse(target) ? undefined : 'no URL'
  const [file = '', anchor] = decodeURIComponent(target).split('#')
  const path = file === '' ? page.path : normalize(join(dirname(page.path), file))
  if (path.startsWith('..')) return 'outside of the repository'
  if (!existsSync(path)) return `there is no ${path}`
  if (anchor === undefined) return undefined
  if (!path.endsWith('.md')) return 'an anchor in something that is no page'
  return anchorsOf(readPage(path)).has(anchor) ? undefined : `no heading of ${path} makes #${anchor}`
}

const pages = allPages()

test('every link leads to a file, a folder or a heading that is there', () => {
  const broken = pages.flatMap((page) =>
    linksOf(page).flatMap(({ place, target }) => {
      const wrong = problem(page, target)
      return wrong === undefined ? [] : [`${place}  ${target}: ${wrong}`]
    }),
  )
  assert.deepEqual(broken, [])
})

test('every page can be reached from the README', () => {
  const reached = new Set<string>()
  const visit = (path: string) => {
    if (reached.has(path)) return
    reached.add(path)
    for (const { target } of linksOf(readPage(path))) {
      const file = target.split('#', 1)[0] ?? ''
      if (file === '' || /^\w+:/.test(file)) continue
      const next = normalize(join(dirname(path), file))
      if (!existsSync(next)) continue
      if (next.endsWith('.md')) visit(next)
      // Who follows a link to a folder sees what is in it.
      else if (statSync(next).isDirectory()) {
        for (const name of readdirSync(next)) if (name.endsWith('.md')) visit(join(next, name))
      }
    }
  }
  visit('README.md')
  assert.deepEqual(
    pages.map(({ path }) => path).filter((path) => !reached.has(path)),
    [],
  )
})

test('every file of the repository that a page names is there', () => {
  const layers = readdirSync('src')
  const missing = pages.flatMap(({ path, prose }) =>
    // What the changelog says was true when it was written.
    path === 'CHANGELOG.md'
      ? []
      : [...prose.matchAll(/`([\w.-]+(?:\/[\w.-]+)+)`/g)].flatMap(([, name = '']) => {
          const [top = ''] = name.split('/')
          if (/^(?:src|test|bench|docs|examples|scripts|schema|\.ci)$/.test(top)) {
            return existsSync(name) ? [] : [`${path}: ${name}`]
          }
          return name.endsWith('.ts') && layers.includes(top) && !existsSync(join('src', name))
            ? [`${path}: ${name}`]
            : []
        }),
  )
  assert.deepEqual(missing, [])
})

test('anchors are made as GitHub makes them', () => {
  const prose = [
    '# What to do: 1, 2 & 3',
    '## `rowferry run`',
    '## A [link](x.md) in it',
    '## Twice',
    '## Twice',
    '### Größe_und **so**',
  ].join('\n')
  assert.deepEqual(
    [...anchorsOf({ prose })],
    ['what-to-do-1-2--3', 'rowferry-run', 'a-link-in-it', 'twice', 'twice-1', 'größe_und-so'],
  )
})

test('a link that leads nowhere is noticed', () => {
  const page: Page = {
    path: 'docs/page.md',
    text: '',
    blocks: [],
    prose: 'See [a](nowhere.md), [b](`c`) and `[d](e.md)`.',
  }
  assert.deepEqual(
    linksOf(page).map(({ target }) => target),
    ['nowhere.md'],
  )
  assert.equal(problem(page, 'nowhere.md'), 'there is no docs/nowhere.md')
  assert.equal(problem(page, '../README.md#nothing'), 'no heading of README.md makes #nothing')
  assert.equal(problem(page, '../../elsewhere.md'), 'outside of the repository')
  assert.equal(problem(page, '../README.md#commands'), undefined)
})
