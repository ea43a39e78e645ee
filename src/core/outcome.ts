/** What became of one change at the destination. Exactly one per change, in the order of the batch. */
export type Outcome =
  /**
   * Applied. A delete of a record that is not there is applied, too. `id`: the destination's own id of the record, from
   * destinations that declare `links`. `created`: whether an upsert, or an update that may create, made the record.
   */
  | { readonly status: 'done'; readonly id?: string; readonly created?: boolean }
  /** Update only: there is no such record. */
  | { readonly status: 'not_found' }
  /** Insert only (not upsert): the record is there already and was left as it is. */
  | { readonly status: 'exists' }
  /** Not applied now, for a reason that passes (a lock): the engine sends this change again, after a while. */
  | {
      readonly status: 'deferred'
      readonly code: string
      readonly message: string
      readonly retryAfterMs?: number
      readonly response?: string
    }
  /**
   * Sent, and the answer does not say what became of it: it may have been applied. The engine sends this change again, as a
   * deferred one; an insert that would be a second record then (`insertsAgain`) it reports, and leaves in doubt.
   */
  | {
      readonly status: 'unknown'
      readonly code: string
      readonly message: string
      readonly retryAfterMs?: number
      readonly response?: string
    }
  /** Refused: this change as it is will not land. */
  | {
      readonly status: 'rejected'
      readonly code: string
      readonly message: string
      /** What was sent and what came back, for the report; capped there. */
      readonly request?: string
      readonly response?: string
    }

/** What is not the last word on a change. */
export type OpenOutcome = Extract<Outcome, { readonly status: 'deferred' | 'unknown' }>

/** What is left when such a change has been sent again for as long as that may help. */
export type SettledOutcome = Exclude<Outcome, OpenOutcome>

export const DONE: SettledOutcome = Object.freeze({ status: 'done' })
export const NOT_FOUND: SettledOutcome = Object.freeze({ status: 'not_found' })
export const EXISTS: SettledOutcome = Object.freeze({ status: 'exists' })
