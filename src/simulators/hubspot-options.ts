import {
  isBoolean,
  isList,
  isObject,
  isOneOf,
  isWholeNumber,
  type OptionCheck,
  SimulatorOptionsError,
} from './simulator-options.ts'

/** A property that the account has besides those of HubSpot, or in the place of one. */
export interface HubspotPropertyOption {
  readonly name: string
  readonly label?: string
  /** Default `string`. */
  readonly type?: 'string' | 'number' | 'bool' | 'date' | 'datetime' | 'enumeration' | 'phone_number'
  /** `checkbox` takes several values of an enumeration. Default: by the type. */
  readonly field_type?: string
  /** Of an enumeration: internal values. */
  readonly options?: readonly string[]
  /** Options that are not listed, as those of owners are not: any value is taken. */
  readonly external_options?: boolean
  readonly unique?: boolean
  readonly calculated?: boolean
  readonly read_only?: boolean
  /** Enforced by version 2026-09 alone: has to be set when a record is created. */
  readonly required?: boolean
  /** Enforced by version 2026-09 alone: has to be set while another property has this value. */
  readonly required_when?: { readonly property: string; readonly value: string }
  /** Enforced by version 2026-09 alone: rules as `GET property-validations` lists them. */
  readonly rules?: readonly { readonly type: HubspotRuleType; readonly arguments: readonly string[] }[]
}

type HubspotRuleType = 'REGEX' | 'MIN_LENGTH' | 'MAX_LENGTH' | 'MIN_NUMBER' | 'MAX_NUMBER'

/** A custom object, or more properties for one of HubSpot's. */
export interface HubspotObjectOption {
  readonly properties?: readonly HubspotPropertyOption[]
  /** Of a custom object: what its schema requires of a new record. Enforced by every version. */
  readonly required?: readonly string[]
}

interface HubspotTokenOption {
  /** Default: all scopes. */
  readonly scopes?: readonly string[]
  readonly revoked?: boolean
  /** The account that it says it is of; the records are the same. Default: `portal` of the simulator. */
  readonly portal?: number
}

/** How the account and its API behave. See docs/simulators.md. */
export interface HubspotOptions {
  /** Whose limits hold. Default `professional`. */
  readonly plan?: 'free' | 'professional' | 'enterprise' | 'oauth'
  /** In the place of the plan's: requests in ten seconds. */
  readonly burst_limit?: number
  /** In the place of the plan's: requests a day. */
  readonly daily_limit?: number
  /** Searches a second. Default 5. */
  readonly search_limit?: number
  /** When the day begins: minutes east of Greenwich. Default 0. */
  readonly utc_offset_minutes?: number
  /** Which body a 429 has. `mixed` draws. Default `policy`. */
  readonly rate_limit_body?: 'policy' | 'message' | 'mixed'
  /** Which X-HubSpot-RateLimit headers there are. Default `all`. */
  readonly rate_limit_headers?: 'all' | 'daily' | 'none'
  /** Whether a 429 says Retry-After. Default false. */
  readonly retry_after?: boolean
  /** Of status 477, in seconds. Default 3600. */
  readonly moving_seconds?: number
  /** How old a change is before search knows it: 0 to 60,000. Default 5,000. */
  readonly search_lag_ms?: number
  /** The same for lists: 0 to 60,000. Default 0. */
  readonly list_lag_ms?: number
  /** A uniqueness conflict refuses the whole batch although every input has a trace id. Default false. */
  readonly whole_batch_conflicts?: boolean
  /** Ids that an update does not find are not named. Default false. */
  readonly blank_missing_ids?: boolean
  /** Results of a batch come in any order. Default true. */
  readonly shuffle?: boolean
  /** Of the account: its id, and in the names of custom objects. Default 1234567. */
  readonly portal?: number
  /** Custom objects by their names, and more properties for HubSpot's own objects. */
  readonly objects?: Readonly<Record<string, HubspotObjectOption>>
  /** The tokens there are. Default: every token is one, with all scopes. */
  readonly tokens?: Readonly<Record<string, HubspotTokenOption>>
  /** The app whose tokens can be refreshed. Default: client, secret, refresh. */
  readonly oauth?: {
    readonly client_id: string
    readonly client_secret: string
    readonly refresh_token: string
    readonly scopes?: readonly string[]
  }
}

const PROPERTY_KEYS = [
  'name',
  'label',
  'type',
  'field_type',
  'options',
  'external_options',
  'unique',
  'calculated',
  'read_only',
  'required',
  'required_when',
  'rules',
]

const areObjects: OptionCheck = (value) => {
  const wrong = isObject(value)
  if (wrong !== undefined) return wrong
  for (const [name, object] of Object.entries(value as Record<string, HubspotObjectOption>)) {
    if (isObject(object) !== undefined) return `of ${name} has to be an object`
    const extra = Object.keys(object).find((key) => key !== 'properties' && key !== 'required')
    if (extra !== undefined) return `of ${name}: ${extra} is not known; there are properties, required`
    if (isList(object.properties ?? []) !== undefined) return `of ${name}: properties have to be a list`
    for (const property of object.properties ?? []) {
      if (typeof property?.name !== 'string') return `of ${name}: every property needs a name`
      const key = Object.keys(property).find((one) => !PROPERTY_KEYS.includes(one))
      if (key !== undefined)
        return `of ${name}.${property.name}: ${key} is not known; there are ${PROPERTY_KEYS.join(', ')}`
    }
  }
  return undefined
}

export const HUBSPOT_OPTION_CHECKS: Readonly<Record<keyof HubspotOptions, OptionCheck>> = {
  plan: isOneOf('free', 'professional', 'enterprise', 'oauth'),
  burst_limit: isWholeNumber(1),
  daily_limit: isWholeNumber(1),
  search_limit: isWholeNumber(1),
  utc_offset_minutes: isWholeNumber(-720, 840),
  rate_limit_body: isOneOf('policy', 'message', 'mixed'),
  rate_limit_headers: isOneOf('all', 'daily', 'none'),
  retry_after: isBoolean,
  moving_seconds: isWholeNumber(0),
  search_lag_ms: isWholeNumber(0, 60_000),
  list_lag_ms: isWholeNumber(0, 60_000),
  whole_batch_conflicts: isBoolean,
  blank_missing_ids: isBoolean,
  shuffle: isBoolean,
  portal: isWholeNumber(1),
  objects: areObjects,
  tokens: isObject,
  oauth: isObject,
}

/** Throws for what a catalog cannot be made of. */
export function wrongObject(name: string, problem: string): SimulatorOptionsError {
  return new SimulatorOptionsError(`option objects of ${name}: ${problem}`)
}
