import type { Field } from '../core/change.ts'
import type { Column, KeyEncoding } from '../core/column.ts'
import { decodeRow, encodeRow, skipFields } from '../core/copy-text.ts'
import { configurationError } from '../core/errors.ts'
import type { DeletesAs, FieldMapping } from '../core/field-mapping.ts'
import { decodeKey } from '../core/key-text.ts'
import type { RowLayout } from '../core/row-batch.ts'
import {
  KIND_OF,
  type Misfit,
  READ_AS,
  type RunVariables,
  scalarKind,
  scalarText,
  sha256,
  variableText,
} from './field-value.ts'

type Values = readonly (string | null)[]
type Producer = (values: Values) => string | null | Misfit

/** A row or key as the destination's fields, in COPY text; or what does not fit. */
export type Mapped = { readonly line: string } | { readonly code: string; readonly message: string }

/** How a model row becomes a record: compiled once a run, used for changed rows only. */
export class RowMapping {
  /** What inserts and updates carry; match fields first, in key order. */
  readonly fields: readonly Field[]
  /** What a delete carries: the match fields, and for a clear or a soft delete what is set. */
  readonly deleteFields: readonly Field[]
  /** The lines of the model are the lines of the destination but for this many leading fields; -1 if they differ. */
  readonly passes: number
  readonly #producers: readonly Producer[]
  readonly #encodings: readonly KeyEncoding[]
  readonly #deleteSuffix: string

  constructor(parts: {
    fields: readonly Field[]
    producers: readonly Producer[]
    deleteFields: readonly Field[]
    deleteValues: Values
    passes: number
    encodings: readonly KeyEncoding[]
  }) {
    this.fields = parts.fields
    this.deleteFields = parts.deleteFields
    this.passes = parts.passes
    this.#producers = parts.producers
    this.#encodings = parts.encodings
    this.#deleteSuffix = parts.deleteValues.length === 0 ? '\n' : `\t${encodeRow(parts.deleteValues)}`
  }

  /** The line for a row that does not pass as it is. */
  map(bytes: Buffer, start: number, end: number): Mapped {
    const values = decodeRow(bytes, start, end)
    const out: (string | null)[] = []
    for (let index = 0; index < this.#producers.length; index++) {
      const value = (this.#producers[index] as Producer)(values)
      if (value !== null && typeof value === 'object') {
        const name = (this.fields[index] as Field).name
        return {
          code: 'unmappable_value',
          message: `the value for ${name} is ${value.misfit}; mend the model or the mapping`,
        }
      }
      out.push(value)
    }
    return { line: encodeRow(out) }
  }

  /** Where the passed part of a line starts. */
  passFrom(bytes: Buffer, start: number): number {
    return this.passes === 0 ? start : skipFields(bytes, start, this.passes)
  }

  /** The line of a delete. */
  deleteLine(key: Buffer): string {
    return this.deleteLineOf(decodeKey(this.#encodings, key))
  }

  /** The line of the delete of the record with that match. */
  deleteLineOf(match: Values): string {
    return encodeRow(match).slice(0, -1) + this.#deleteSuffix
  }
}

export interface MappingRequest {
  readonly layout: RowLayout
  readonly match: readonly string[]
  readonly fields: readonly FieldMapping[]
  readonly deletesAs: DeletesAs
  readonly variables: RunVariables
}

/** Compiles a mapping against the columns that the source said it has. */
export function compileMapping(request: MappingRequest): RowMapping {
  const { layout, variables } = request
  const position = new Map(layout.columns.map((column, index) => [column.name, layout.extra + index]))
  const column = (name: string): { column: Column; at: number } => {
    const at = position.get(name)
    if (at === undefined) throw configurationError('unknown_column', `the model has no column ${name}`)
    return { column: layout.columns[at - layout.extra] as Column, at }
  }
  const order = new Map(request.match.map((field, index) => [field, index]))
  const rank = (mapping: FieldMapping) => order.get(mapping.field) ?? order.size
  const mappings = [...request.fields].sort((a, b) => rank(a) - rank(b))
  const compiled = mappings.map((mapping) => compileField(mapping, column, variables))
  const fields = compiled.map(({ field }) => field)
  const producers = compiled.map(({ producer }) => producer)
  const softDelete = request.deletesAs.kind === 'set' ? request.deletesAs.fields : []
  const set = softDelete.map(({ name, value }) => {
    const known = fields.find((field) => field.name === name)
    const text = 'value' in value ? scalarText(value.value) : variableText(value.variable, variables)
    const kind = 'value' in value ? scalarKind(value.value) : timestampKind(value.variable)
    return { field: { ...(known ?? { name, ...kind }), nulls: 'write', on: 'always' } as Field, text }
  })
  for (const { field } of set) {
    // A record that comes back must not stay marked as deleted.
    if (fields.some(({ name }) => name === field.name)) continue
    fields.push(field)
    producers.push(() => null)
  }
  const matchFields = fields.slice(0, request.match.length)
  const cleared = request.deletesAs.kind === 'clear' ? fields.slice(request.match.length) : []
  return new RowMapping({
    fields,
    producers,
    deleteFields: [
      ...matchFields,
      ...cleared.map((field): Field => ({ ...field, nulls: 'write', on: 'always' })),
      ...set.map(({ field }) => field),
    ],
    deleteValues: [...cleared.map(() => null), ...set.map(({ text }) => text)],
    passes: passThrough(mappings, layout, fields.length),
    encodings: layout.key.map((part) => part.encoding),
  })
}

function timestampKind(variable: string) {
  return variable === 'run.started_at' ? KIND_OF.timestamp : KIND_OF.text
}

function compileField(
  mapping: FieldMapping,
  column: (name: string) => { column: Column; at: number },
  variables: RunVariables,
): { field: Field; producer: Producer } {
  const { from } = mapping
  const typed = mapping.type === undefined ? undefined : KIND_OF[mapping.type]
  const common = { name: mapping.field, nulls: mapping.nulls, on: mapping.on }
  const convert = mapping.type === undefined ? undefined : READ_AS[mapping.type]
  const through = (producer: (values: Values) => string | null): Producer =>
    convert === undefined
      ? producer
      : (values) => {
          const text = producer(values)
          return text === null ? null : convert(text)
        }
  switch (from.kind) {
    case 'column': {
      const { column: source, at } = column(from.column)
      if (from.hash !== undefined) {
        const hashed = (values: Values) => (values[at] == null ? null : sha256(values[at]))
        return { field: { ...common, ...(typed ?? KIND_OF.text) }, producer: through(hashed) }
      }
      const field = { ...common, ...(typed ?? { kind: source.kind, type: source.type }) }
      return { field, producer: through((values) => values[at] ?? null) }
    }
    case 'template': {
      const parts = from.parts.map((part, index) => (index % 2 === 0 ? part : column(part).at))
      const rendered = (values: Values) =>
        parts.map((part) => (typeof part === 'string' ? part : (values[part] ?? ''))).join('')
      return { field: { ...common, ...(typed ?? KIND_OF.text) }, producer: through(rendered) }
    }
    case 'constant': {
      const text = scalarText(from.value)
      return { field: { ...common, ...(typed ?? scalarKind(from.value)) }, producer: through(() => text) }
    }
    case 'variable': {
      const text = variableText(from.variable, variables)
      return { field: { ...common, ...(typed ?? timestampKind(from.variable)) }, producer: through(() => text) }
    }
  }
}

/** Whether the fields are just the model's columns in their order, so that a changed line can be sent as received. */
function passThrough(mappings: readonly FieldMapping[], layout: RowLayout, fields: number): number {
  const plain =
    fields === layout.columns.length &&
    mappings.length === fields &&
    mappings.every(
      ({ from, type }, index) =>
        from.kind === 'column' &&
        from.hash === undefined &&
        type === undefined &&
        from.column === layout.columns[index]?.name,
    )
  return plain ? layout.extra : -1
}
