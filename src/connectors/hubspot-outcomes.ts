import type { Outcome } from '../core/outcome.ts'
import type { WriteCall } from './hubspot-batch-calls.ts'
import type { InputAnswer } from './hubspot-batch-reply.ts'
import { codeOf, messagesOf } from './hubspot-errors.ts'
import type { HubspotInput } from './hubspot-inputs.ts'

/** What refuses a row for now, whatever is in it [A]. */
const PASSING = new Set(['INTERNAL_ERROR', 'RATE_LIMITS', 'SERVICE_UNAVAILABLE', 'LOCKED'])

export function writtenOutcome({ id, isNew }: InputAnswer & { kind: 'written' }, call: WriteCall): Outcome {
  const created = call === 'upsert' ? isNew : call === 'create'
  return { status: 'done', id, ...(created !== undefined && { created }) }
}

export function refusedOutcome(
  { error, response }: InputAnswer & { kind: 'refused' },
  { made, always, match }: HubspotInput,
  call: WriteCall,
): Outcome {
  const [code, message] = [codeOf(error), messagesOf(error)]
  if (PASSING.has(error.category)) return { status: 'deferred', code, message, response }
  const request = JSON.stringify({ match, properties: call === 'create' ? made : always })
  return { status: 'rejected', code, message, request, response }
}

/** Two changes of one batch that turned out to be about one record: the first keeps it. */
export function sameRecord(id: string): Outcome {
  const message =
    `HubSpot took this row for record ${id}, and so it did another row of the batch before it; leave one of them out of ` +
    'the model, or part the records in HubSpot'
  return { status: 'rejected', code: 'same_record', message }
}

/** A delete that would archive the contact of somebody else: one that has the address beside its own. */
export function secondaryAddress(id: string): Outcome {
  const message =
    `the address is only another one of contact ${id}, which is not archived for it; take the address from that contact, ` +
    'or archive it by hand'
  return { status: 'rejected', code: 'secondary_address', message }
}

/** A delete that would archive another record: the one that people have merged this one into. */
export function mergedRecord(id: string): Outcome {
  const message =
    `record ${id} was merged into another one in HubSpot, which is not archived for it; archive that one by hand where it ` +
    'is to go'
  return { status: 'rejected', code: 'merged_record', message }
}

/** It was not there when it was looked for, and it is now: somebody else made it in between. */
export function appeared(): Outcome {
  return { status: 'deferred', code: 'conflict', message: 'the record was made by somebody else at the same time' }
}
