import { isBoolean, isList, isObject, isOneOf, isWholeNumber, type OptionCheck } from './simulator-options.ts'

/** How requests have to say who sends them. */
export type HttpSimulatorAuth =
  | { readonly type: 'bearer'; readonly token: string }
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | { readonly type: 'api_key'; readonly token: string; readonly header?: string; readonly query?: string }
  | {
      readonly type: 'oauth'
      readonly client_id: string
      readonly client_secret: string
      /** Where the client has to say who it is. Default: in either. */
      readonly client_auth?: 'body' | 'basic'
      /** The first refresh token; each use gives another. */
      readonly refresh_token?: string
      /** Seconds. Default 3600. */
      readonly expires_in?: number
    }
  /** Hexadecimal HMAC-SHA-256 of time, method, path and body, each on a line; the time may be five minutes off. */
  | { readonly type: 'hmac'; readonly secret: string }

/** Options of the simulator of an HTTP API, besides those that all have. */
export interface HttpSimulatorOptions {
  /** Who may send requests: `{ type, … }` with type bearer, basic, api_key, oauth or hmac. Default: anybody. */
  readonly auth?: HttpSimulatorAuth
  /** Names of the fields that are the key of an object's records. Default: `id`. */
  readonly keys?: Readonly<Record<string, readonly string[]>>
  /** All hold: so many requests in any window of so many milliseconds. */
  readonly limits?: readonly { readonly requests: number; readonly ms: number }[]
  /** How a 429 says when to come again. Default: seconds. */
  readonly retry_after?: 'seconds' | 'date' | 'epoch' | 'none'
  /** Most records of a batch. Default 1000. */
  readonly max_records?: number
  /** Most bytes of a batch; above it 413. Default 1,000,000. */
  readonly max_bytes?: number
  /** Milliseconds until a new record is found by a search. Default 0. */
  readonly search_lag_ms?: number
  /** Results of batches in an order of their own. Default: as they came. */
  readonly shuffle?: boolean
}

export const HTTP_OPTION_CHECKS: Readonly<Record<string, OptionCheck>> = {
  auth: isObject,
  keys: isObject,
  limits: isList,
  retry_after: isOneOf('seconds', 'date', 'epoch', 'none'),
  max_records: isWholeNumber(1),
  max_bytes: isWholeNumber(1),
  search_lag_ms: isWholeNumber(0),
  shuffle: isBoolean,
}
