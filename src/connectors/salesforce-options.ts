import * as z from 'zod'
import { serviceUrl } from './web-url.ts'

/** Most bytes of the CSV of one job: 150 MB is the limit after base64, and a third is kept free [D]. */
const MOST_JOB_BYTES = 100_000_000

const text = z.string().min(1)

/** How an org is reached, as whom, and how it is loaded. */
export const salesforceOptions = z
  .strictObject({
    type: z.literal('salesforce').optional(),
    login_url: serviceUrl
      .optional()
      .describe(
        'Where tokens come from: the My Domain URL of the org (https://acme.my.salesforce.com); for a private key also ' +
          'https://login.salesforce.com or https://test.salesforce.com. Default: the instance URL.',
      ),
    instance_url: serviceUrl.optional().describe('Where records are. Default: what comes with the token.'),
    client_id: text.optional().describe('Consumer key of the External Client App. Default: none.'),
    client_secret: text
      .optional()
      .describe('Its consumer secret, for client credentials or with `refresh_token`. Default: none.'),
    username: text.optional().describe('The user that a token of `private_key` acts as. Default: none.'),
    private_key: text
      .optional()
      .describe('PEM of the key whose certificate the app has, for the JWT bearer flow. Default: none.'),
    refresh_token: text.optional().describe('A refresh token of the app. Default: none.'),
    access_token: text
      .optional()
      .describe('A token that is there already; it is not renewed unless `refresh_token` is given too. Default: none.'),
    version: z
      .string()
      .regex(/^v\d{2,3}\.0$/, 'expected a version of the API like v66.0')
      .default('v66.0')
      .describe('Version of the API.'),
    load: z
      .enum(['auto', 'collections', 'bulk'])
      .default('auto')
      .describe('`collections`: 200 changes a call; `bulk`: jobs of CSV; `auto`: jobs above 2,000 changes.'),
    api_budget: z
      .number()
      .gt(0)
      .max(1)
      .default(1)
      .describe('Share of the daily API calls of the org after which no more is sent, whoever made them.'),
    hard_delete: z
      .boolean()
      .default(false)
      .describe('Deletes bypass the recycle bin. They go by jobs then, and need "Bulk API Hard Delete".'),
    allow_duplicates: z
      .boolean()
      .default(false)
      .describe('Save records that a duplicate rule with an alert is against.'),
    timeout: z
      .number()
      .positive()
      .max(3600)
      .default(600)
      .describe('Seconds without an answer to a call; an upload may take an hour as long as it goes on.'),
    job_bytes: z.int().min(1_000).max(MOST_JOB_BYTES).default(MOST_JOB_BYTES).describe('Most bytes of CSV of one job.'),
    base_url: serviceUrl
      .optional()
      .describe('A simulator, in the place of `login_url` and `instance_url`. Default: none.'),
  })
  .superRefine((options, context) => {
    const message = credentialsProblem(options)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

export type SalesforceOptions = z.infer<typeof salesforceOptions>

type Written = Readonly<
  Partial<
    Record<
      | 'login_url'
      | 'instance_url'
      | 'base_url'
      | 'client_id'
      | 'client_secret'
      | 'username'
      | 'private_key'
      | 'refresh_token'
      | 'access_token',
      string | undefined
    >
  >
>

/** How tokens come, by what was given. */
export type SalesforceFlow = 'access token' | 'refresh token' | 'JWT bearer' | 'client credentials'

export function flowOf(options: Written): SalesforceFlow {
  if (options.refresh_token !== undefined) return 'refresh token'
  if (options.access_token !== undefined) return 'access token'
  return options.private_key === undefined ? 'client credentials' : 'JWT bearer'
}

function credentialsProblem(options: Written): string | undefined {
  const given = options
  const missing = (...names: (keyof Written)[]) => names.filter((name) => given[name] === undefined)
  if (missing('base_url', 'login_url', 'instance_url').length === 3) {
    return 'expected `login_url` (or `instance_url` with an `access_token`): the My Domain URL of the org'
  }
  const needed: Readonly<Record<SalesforceFlow, readonly (keyof Written)[]>> = {
    'access token': given.base_url === undefined ? ['instance_url'] : [],
    'refresh token': ['client_id'],
    'JWT bearer': ['client_id', 'username'],
    'client credentials': ['client_id', 'client_secret'],
  }
  const flow = flowOf(given)
  const lacking = missing(...needed[flow])
  if (flow === 'client credentials' && lacking.length === 2) {
    return 'expected `client_id` and `client_secret`; or `client_id`, `username` and `private_key`; or `access_token`'
  }
  return lacking.length === 0
    ? undefined
    : `the flow "${flow}" needs ${lacking.map((name) => `\`${name}\``).join(' and ')} too`
}

/** Where tokens are asked for, without a slash at its end. */
export function loginUrl(options: SalesforceOptions): string {
  return options.base_url ?? options.login_url ?? options.instance_url ?? ''
}

/** Where records are, as far as it is known before there is a token. */
export function instanceUrl(options: SalesforceOptions): string | undefined {
  return options.base_url ?? options.instance_url
}
