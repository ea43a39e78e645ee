import { type Scrubber, scrubber } from '../core/scrubber.ts'
import { whenPipeCloses } from './closed-pipe.ts'
import { createLogger, type LogFormat, type Logger } from './logger.ts'
import { COLOURED, PLAIN, type Style, wantsColour } from './style.ts'

type Stream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }

export interface OutputOptions {
  readonly quiet: boolean
  readonly verbose: boolean
  readonly logFormat: LogFormat
  readonly color: boolean
  readonly stdout: Stream
  readonly stderr: Stream
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Something to say to people; with `--log-format json` the record is logged in place of the text. */
export interface Message {
  /** `info` is left out with `--quiet`. */
  readonly level: 'info' | 'warn' | 'error'
  readonly text: string
  readonly record: { readonly msg: string; readonly [field: string]: unknown }
}

/** The one way to stdout and stderr: data to the one, everything else to the other, secrets to neither. */
export interface Output {
  readonly logger: Logger
  readonly style: Style
  readonly verbose: boolean
  readonly logFormat: LogFormat
  /** Characters a line of stderr has room for. */
  readonly width: number
  /** Whether stderr is watched: {@link status} then repaints one line, and is ignored otherwise. */
  readonly live: boolean
  /** Whether people read stdout: a table is for them, lines of JSON are for programs. */
  readonly interactive: boolean
  /** How {@link data} is coloured, and the characters a line of it has room for. */
  readonly dataStyle: Style
  readonly dataWidth: number
  /** Writes a text and a newline to stdout. Never fails: who closes the pipe has read enough. */
  data(text: string): void
  /** The same for a JSON value, on one line. */
  json(value: unknown): void
  tell(message: Message): void
  status(line: string | undefined): void
  /** What {@link json} would write, for other places. */
  scrub(value: unknown): unknown
  /** From here on these values are masked wherever they turn up. */
  hide(secrets: Iterable<string>): void
}

const ERASE_LINE = '\r\u001b[K'

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, environment, logFormat } = options
  const style = wantsColour(options.color, stderr, environment) ? COLOURED : PLAIN
  const live =
    stderr.isTTY === true &&
    logFormat === 'text' &&
    !options.quiet &&
    (environment['CI'] ?? '') === '' &&
    environment['TERM'] !== 'dumb'
  let hidden: Scrubber = scrubber([])
  let shown: string | undefined
  const writeData = writer(stdout)
  const writeMessage = writer(stderr)

  const write = (line: string) => {
    writeMessage(shown === undefined ? `${line}\n` : `${ERASE_LINE}${line}\n${shown}`)
  }
  const logger = createLogger({
    level: options.quiet ? 'warn' : options.verbose ? 'debug' : 'info',
    format: logFormat,
    style,
    scrubber: () => hidden,
    write,
  })
  return {
    logger,
    style,
    live,
    verbose: options.verbose,
    logFormat,
    interactive: stdout.isTTY === true,
    dataStyle: wantsColour(options.color, stdout, environment) ? COLOURED : PLAIN,
    get dataWidth() {
      // What is no terminal has room for everything.
      return stdout.isTTY === true ? stdout.columns || 160 : Number.POSITIVE_INFINITY
    },
    get width() {
      // Nought is what a terminal says that does not know.
      return stderr.columns || 160
    },
    data: (text) => writeData(`${hidden.text(text)}\n`),
    json: (value) => writeData(`${JSON.stringify(hidden.value(value))}\n`),
    tell({ level, text, record: { msg, ...fields } }) {
      if (logFormat === 'json') logger[level](fields, msg)
      else if (level !== 'info' || !options.quiet) write(hidden.text(text))
    },
    status(line) {
      if (!live) return
      const text = line === undefined ? undefined : hidden.text(line)
      if (text !== shown) writeMessage(`${ERASE_LINE}${text ?? ''}`)
      shown = text
    },
    scrub: (value) => hidden.value(value),
    hide(secrets) {
      hidden = scrubber(secrets)
    },
  }
}

/** Writes until the reader goes away, and then to nobody. */
function writer(stream: Stream): (text: string) => void {
  let closed = false
  whenPipeCloses(stream, () => {
    closed = true
  })
  return (text) => {
    if (!closed) stream.write(text)
  }
}
