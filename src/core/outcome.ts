/** What became of one change at the destination. Exactly one per change, in the order of the batch. */
export type Outcome =
  /** Applied. A delete of a record that is not there is applied, too. */
  | { readonly status: 'done' }
  /** Update only: there is no such record. */
  | { readonly status: 'not_found' }
  /** Insert only (not upsert): the record is there already and was left as it is. */
  | { readonly status: 'exists' }
  /** Refused: this change as it is will not land. */
  | {
      readonly status: 'rejected'
      readonly code: string
      readonly message: string
      /** What was sent and what came back, for the report; capped there. */
      readonly request?: string
      readonly response?: string
    }

export const DONE: Outcome = Object.freeze({ status: 'done' })
export const NOT_FOUND: Outcome = Object.freeze({ status: 'not_found' })
export const EXISTS: Outcome = Object.freeze({ status: 'exists' })
