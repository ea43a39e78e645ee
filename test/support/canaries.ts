import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Every planted secret holds this word, in the middle of characters that URLs, JSON and SQL write otherwise: whatever
 * comes through an encoding, in whole or in part, still has it.
 */
const CORE = 'kanarienvogel'

/** A secret of its own for each place. */
export function canary(place: string): string {
  return `p'"\\ %/@ü-${CORE}-${place}`
}

/** The word as it may stand in bytes: raw, in hexadecimal, as UTF-16, and as base64 at each of the three offsets. */
const FORMS: readonly Buffer[] = [
  Buffer.from(CORE),
  Buffer.from(CORE, 'utf16le'),
  Buffer.from(Buffer.from(CORE).toString('hex')),
  ...[0, 1, 2].map((offset) => {
    const text = Buffer.from(`${'x'.repeat(offset)}${CORE}`).toString('base64')
    // Without the characters that the neighbours have a part in.
    return Buffer.from(text.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + CORE.length) * 8) / 6)))
  }),
]

/** What was looked through, and where a canary was found. */
export class CanaryHunt {
  readonly found: string[] = []
  bytes = 0
  places = 0

  look(place: string, content: string | Uint8Array): void {
    const bytes = Buffer.from(content as string)
    this.places++
    this.bytes += bytes.length
    const at = FORMS.map((form) => bytes.indexOf(form)).find((position) => position >= 0)
    if (at === undefined) return
    const found = `${place}: ${bytes.toString('utf8', Math.max(0, at - 80), at + 40)}`
    if (!this.found.includes(found)) this.found.push(found)
  }

  /** Every byte of every file of a folder, whatever SQLite or a crash has left in it. */
  lookIn(folder: string, except: readonly string[] = []): void {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile() && !except.includes(entry.name)) this.look(path, readFileSync(path))
      this.look('a name', entry.name)
    }
  }

  /** What `ps` shows of a process, and the files that it has open, even those without a name. Only on Linux. */
  lookAt(pid: number): void {
    if (process.platform !== 'linux') return
    this.look(`the arguments of ${pid}`, readFileSync(`/proc/${pid}/cmdline`))
    this.look(`the title of ${pid}`, readFileSync(`/proc/${pid}/comm`))
    for (const file of readdirSync(`/proc/${pid}/fd`)) {
      const path = `/proc/${pid}/fd/${file}`
      let target = ''
      try {
        target = readlinkSync(path)
        if (target.startsWith('/') && !target.startsWith('/dev')) this.look(target, readFileSync(path))
      } catch {
        // Closed meanwhile, or no file that can be read.
        this.look('an open file', target)
      }
    }
  }
}
