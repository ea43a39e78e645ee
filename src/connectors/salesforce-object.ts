import type { Field } from '../core/change.ts'
import type { ObjectRequest } from '../core/destination.ts'
import { configurationError } from '../core/errors.ts'
import { checkObject } from './salesforce-check.ts'
import { type DescribedField, type ObjectDescription, objectDescription } from './salesforce-describe.ts'
import { resolveField, type SalesforceField } from './salesforce-fields.ts'
import { readAs, type SalesforceSession } from './salesforce-session.ts'

/** The object of a sync, as Salesforce describes it. Each description is asked for once. */
export class SalesforceObject {
  readonly request: ObjectRequest
  readonly #session: SalesforceSession
  readonly #descriptions = new Map<string, ObjectDescription>()
  readonly #fields = new Map<readonly Field[], readonly SalesforceField[]>()

  constructor(request: ObjectRequest, session: SalesforceSession) {
    this.request = request
    this.#session = session
  }

  get matchName(): string {
    return this.request.match[0] ?? 'Id'
  }

  /** What finds records, as far as it is known yet. */
  get knownMatch(): DescribedField | undefined {
    return this.#descriptions.get(this.request.name)?.fields.find(({ name }) => name === this.matchName)
  }

  async match(signal: AbortSignal): Promise<DescribedField> {
    const description = await this.#describe(this.request.name, signal)
    const field = description.fields.find(({ name }) => name === this.matchName)
    if (field !== undefined) return field
    throw configurationError(
      'destination_mismatch',
      `${this.request.name} has no field "${this.matchName}": correct match`,
    )
  }

  /** Holds the mapping against the description. Throws FatalError `destination_mismatch` that names everything wrong. */
  async check(signal: AbortSignal): Promise<readonly string[]> {
    const { request } = this
    const description = await this.#describe(request.name, signal)
    const { problems, notes } = await checkObject(request, description, (name) => this.#describe(name, signal))
    if (problems.length === 0) return notes
    const message = `the Salesforce object "${request.name}" does not fit this sync: ${problems.join('; ')}`
    throw configurationError('destination_mismatch', message)
  }

  /** What Salesforce says of the fields of a batch. */
  async fields(fields: readonly Field[], signal: AbortSignal): Promise<readonly SalesforceField[]> {
    const known = this.#fields.get(fields)
    if (known !== undefined) return known
    const description = await this.#describe(this.request.name, signal)
    const found: SalesforceField[] = []
    for (const field of fields) {
      const resolved = await resolveField(field, description, (name) => this.#describe(name, signal))
      if (typeof resolved === 'string') {
        const message = `the Salesforce object "${this.request.name}" does not fit this sync any more: ${resolved}`
        throw configurationError('destination_mismatch', message)
      }
      found.push(resolved)
    }
    this.#fields.set(fields, found)
    return found
  }

  async #describe(name: string, signal: AbortSignal): Promise<ObjectDescription> {
    const known = this.#descriptions.get(name)
    if (known !== undefined) return known
    const path = `sobjects/${encodeURIComponent(name)}/describe`
    const said = await this.#session.json({ method: 'GET', path, refused: 'undefined' }, signal)
    if (said === undefined) {
      const message = `Salesforce has no object "${name}" for this user: correct destination.object (a custom one ends in __c), or grant the user access to it`
      throw configurationError('unknown_object', message)
    }
    const description = readAs(objectDescription, said, `a description of ${name}`)
    if (!description.queryable)
      throw configurationError('unknown_object', `${name} cannot be read by this user: grant Read`)
    this.#descriptions.set(name, description)
    return description
  }
}
