import { type Logger as PinoLogger, pino } from 'pino'
import type { Scrubber } from '../core/scrubber.ts'
import { oneLine, printable } from './printable.ts'
import type { Style } from './style.ts'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>

export type LogFormat = 'text' | 'json'

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn'
  readonly format: LogFormat
  readonly style: Style
  /** Asked for every line: the secrets are known only after the configuration is. */
  readonly scrubber: () => Scrubber
  /** Takes one line, without its newline. */
  readonly write: (line: string) => void
}

/**
 * pino, writing in this thread: the lines of a worker transport are lost when the process ends. Its own `redact` looks
 * at paths only and lets through what stands in a message or a stack, so every line is scrubbed by value.
 */
export function createLogger({ level, format, style, scrubber, write }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line: string) {
        const record = scrubber().value(JSON.parse(line)) as LogRecord
        write(format === 'json' ? JSON.stringify(record) : formatRecord(record, style, level === 'debug'))
      },
    },
  )
}

export interface LogRecord {
  readonly level: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly msg?: string
  readonly err?: { readonly message?: string; readonly stack?: string }
  readonly [field: string]: unknown
}

const LEVEL_FORMATS = { error: 'red', fatal: 'red', warn: 'yellow', info: 'cyan' } as const

/** `18:00:00 warn  contacts: message  name=value`, time in UTC; the stack of an error only when asked for. */
export function formatRecord(record: LogRecord, style: Style, withStack: boolean): string {
  const { level, time, msg, err, ...fields } = record
  const format = LEVEL_FORMATS[level as keyof typeof LEVEL_FORMATS] ?? 'dim'
  const parts = [
    `${style('dim', time.slice(11, 19))} ${style(format, level.padEnd(5))} ${printable(msg ?? '')}`.trimEnd(),
  ]
  if (err?.message !== undefined && err.message !== msg) parts.push(oneLine(err.message))
  for (const [name, value] of Object.entries(fields)) parts.push(style('dim', `${name}=${formatField(value)}`))
  const line = parts.join('  ')
  return withStack && err?.stack !== undefined ? `${line}\n${printable(err.stack)}` : line
}

function formatField(value: unknown): string {
  const text = typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  return printable(text ?? '')
}
