import type { ChangeBatch, Field } from '../core/change.ts'
import { FatalError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import { RECORD_ID } from './hubspot-check.ts'
import type { HubspotObject } from './hubspot-properties.ts'
import { type FormattedValue, formatOf, quoted, type ValueFormat } from './hubspot-values.ts'

/** What a batch sends of one change: `index` is its place in the batch. */
export interface HubspotInput {
  readonly index: number
  /** The value by which the record is found. */
  readonly match: string
  /** The record's own id, where it is known. */
  readonly id: string | undefined
  /** For a record that is there: values as HubSpot takes them. */
  readonly always: Readonly<Record<string, string>>
  /** For a record that is made: those that are for inserts only too, and no empty ones. */
  readonly made: Readonly<Record<string, string>>
}

/** The changes that can be sent, and what became of the others. */
export interface HubspotInputs {
  readonly inputs: readonly HubspotInput[]
  readonly outcomes: (Outcome | undefined)[]
}

/** Turns the rows of batches into inputs. The formats of a list of fields are made once. */
export function inputReader(object: HubspotObject, match: string): (batch: ChangeBatch) => HubspotInputs {
  const formats = new WeakMap<readonly Field[], readonly ValueFormat[]>()
  return (batch) => {
    const { fields, count, ids, operation } = batch
    const format = formats.get(fields) ?? fields.map((field) => formatFor(field, object))
    formats.set(fields, format)
    const inputs: HubspotInput[] = []
    const outcomes = new Array<Outcome | undefined>(count).fill(undefined)
    for (let index = 0; index < count; index++) {
      const read = readInput(batch.values(index), fields, format, operation === 'delete')
      if ('refusal' in read) outcomes[index] = read.refusal
      else inputs.push({ index, id: match === RECORD_ID ? read.match : ids?.[index], ...read })
    }
    return { inputs, outcomes }
  }
}

function formatFor(field: Field, { properties }: HubspotObject): ValueFormat {
  if (field.name === RECORD_ID) return recordId
  const property = properties.get(field.name)
  if (property !== undefined) return formatOf(field, property)
  throw new FatalError('unknown_field', `HubSpot has no property "${field.name}": correct fields, or create it`)
}

/** A call with one id that is none is refused as a whole. */
function recordId(text: string): FormattedValue {
  if (/^[1-9]\d{0,19}$/.test(text)) return text
  return { code: 'invalid_value', message: `${quoted(text)} is not a record id of HubSpot (digits)` }
}

function readInput(
  values: readonly (string | null)[],
  fields: readonly Field[],
  formats: readonly ValueFormat[],
  matchOnly: boolean,
): Pick<HubspotInput, 'match' | 'always' | 'made'> | { readonly refusal: Outcome } {
  const always: Record<string, string> = {}
  const made: Record<string, string> = {}
  let match = ''
  for (let at = 0; at < (matchOnly ? 1 : fields.length); at++) {
    const { name, nulls, on } = fields[at] as Field
    const text = values[at] ?? null
    const value = text === null ? '' : (formats[at] as ValueFormat)(text)
    if (typeof value !== 'string') {
      const { code, message } = value
      return { refusal: { status: 'rejected', code, message: `${name}: ${message}` } }
    }
    if (at === 0) match = value
    if (name === RECORD_ID) continue
    if (value !== '') made[name] = value
    if (on === 'always' && (text !== null || nulls === 'write')) always[name] = value
  }
  if (match !== '') return { match, always, made }
  const message = 'the field that finds the record is empty: fill it in the model, or leave such rows out'
  return { refusal: { status: 'rejected', code: 'missing_match', message } }
}
