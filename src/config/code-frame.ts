import type { Location } from './origin.ts'

const WIDTH = 140
const LEAD = 60

/** The offending line with carets below it, cut around them where it is long, secrets written in it covered. */
export function codeFrame(location: Location): string {
  const covered = coverSecrets(location.text.replace(/[^\P{Cc}\t]/gu, '�'))
  const from = covered.length > WIDTH ? Math.max(0, location.column - 1 - LEAD) : 0
  const head = from > 0 ? '…' : ''
  const tail = covered.length > from + WIDTH ? '…' : ''
  const line = `${head}${covered.slice(from, from + WIDTH)}${tail}`
  const before = line.slice(0, head.length + location.column - 1 - from)
  const carets = Math.max(1, Math.min(location.length, line.length - before.length))
  const number = String(location.line)
  // Tabs stay tabs, so that the carets stand right whatever a tab's width is.
  const padding = before.replace(/[^\t]/g, ' ')
  return `    ${number} | ${line}\n    ${' '.repeat(number.length)} | ${padding}${'^'.repeat(carets)}`
}

const URL_PASSWORD = /(:\/\/[^\s:@/]*:)(?!\$\{)([^\s@]+)(?=@)/g
const SECRET_OPTION =
  /(\b[\w-]*(?:token|passw(?:or)?d|secret|credentials?|(?:api|access|private)[_-]?key)["']?\s*:\s*)(?!["']?\$\{)("[^"]*"?|'[^']*'?|[^\s,}](?:[^,}]*[^\s,}])?)/gi

// A token written into the file is no reason to print it into the log of a CI job.
function coverSecrets(line: string): string {
  const cover = (_all: string, before: string, secret: string) => before + '*'.repeat(secret.length)
  return line.replace(URL_PASSWORD, cover).replace(SECRET_OPTION, cover)
}
