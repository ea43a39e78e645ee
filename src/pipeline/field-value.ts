import { createHash } from 'node:crypto'
import type { ValueKind } from '../core/column.ts'
import type { FieldType, RunVariable, Scalar } from '../core/field-mapping.ts'

/** A value that does not fit its mapping; the row is invalid. */
export interface Misfit {
  readonly misfit: string
}

/** Reads a column's text as the mapping's type. Exact: text in, text out, no JavaScript number in between. */
export const READ_AS: Readonly<Record<FieldType, (text: string) => string | Misfit>> = {
  text: (text) => text,
  number: (text) =>
    /^[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text.trim()) || /^(NaN|-?Infinity)$/.test(text)
      ? text.trim()
      : { misfit: 'not a number' },
  integer: (text) => {
    const match = /^\s*([+-]?)0*(0|[1-9]\d*)(?:\.0*)?\s*$/.exec(text)
    return match === null
      ? { misfit: 'not an integer' }
      : `${match[1] === '-' && match[2] !== '0' ? '-' : ''}${match[2]}`
  },
  boolean: (text) => {
    if (/^(t|true|yes|y|on|1)$/i.test(text.trim())) return 't'
    if (/^(f|false|no|n|off|0)$/i.test(text.trim())) return 'f'
    return { misfit: 'not a boolean' }
  },
  date: (text) => {
    const match = /^(\d{4,}-\d\d-\d\d)(?:[ T][^B]*?)?( BC)?$/.exec(text.trim())
    if (match !== null) return `${match[1]}${match[2] ?? ''}`
    return /^-?infinity$/.test(text) ? text : { misfit: 'not a date' }
  },
  timestamp: (text) =>
    /^\s*\d{4,}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?( BC)?\s*$/.test(text) ||
    /^-?infinity$/.test(text)
      ? text.trim()
      : { misfit: 'not a timestamp' },
  json: (text) => {
    try {
      JSON.parse(text)
      return text
    } catch {
      return { misfit: 'not JSON' }
    }
  },
}

/** What kind of value, and which Postgres type, a mapping's type stands for. */
export const KIND_OF: Readonly<Record<FieldType, { readonly kind: ValueKind; readonly type: string }>> = {
  text: { kind: 'text', type: 'text' },
  number: { kind: 'decimal', type: 'numeric' },
  integer: { kind: 'integer', type: 'bigint' },
  boolean: { kind: 'boolean', type: 'boolean' },
  date: { kind: 'date', type: 'date' },
  timestamp: { kind: 'timestamp', type: 'timestamptz' },
  json: { kind: 'json', type: 'jsonb' },
}

/** A constant of the configuration as canonical text. */
export function scalarText(value: Scalar): string | null {
  if (value === null) return null
  if (typeof value === 'boolean') return value ? 't' : 'f'
  return String(value)
}

export function scalarKind(value: Scalar): { readonly kind: ValueKind; readonly type: string } {
  if (typeof value === 'boolean') return KIND_OF.boolean
  if (typeof value === 'number') return Number.isInteger(value) ? KIND_OF.integer : KIND_OF.number
  return KIND_OF.text
}

/** What a run puts in place of its variables. */
export interface RunVariables {
  readonly runId: string
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly syncName: string
}

export function variableText(variable: RunVariable, run: RunVariables): string {
  if (variable === 'run.id') return run.runId
  return variable === 'run.started_at' ? run.startedAt : run.syncName
}

/** Lower-case hex of the SHA-256 of the UTF-8 text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
