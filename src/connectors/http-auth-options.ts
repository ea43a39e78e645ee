import * as z from 'zod'
import { duration } from './http-amounts.ts'

const secret = (what: string) => z.string().min(1).describe(what)
const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'expected the name of a header')

const bearer = z.strictObject({
  type: z.literal('bearer'),
  token: secret('Sent as `Authorization: Bearer TOKEN`.'),
})
const basic = z.strictObject({
  type: z.literal('basic'),
  username: secret('Without a colon.'),
  password: z.string().default('').describe('May be empty.'),
})
const apiKey = z.strictObject({
  type: z.literal('api_key'),
  token: secret('The key.'),
  header: headerName.optional().describe('Header that carries it. Default: `X-API-Key`, unless there is `query`.'),
  prefix: z.string().optional().describe('What stands before it in the header, with its space. Default: nothing.'),
  query: z.string().min(1).optional().describe('Query parameter that carries it, in the place of a header.'),
})
const token = {
  token_url: z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }),
  client_id: secret('The client.'),
  client_secret: secret('Its secret.').optional(),
  client_auth: z
    .enum(['body', 'basic'])
    .default('body')
    .describe('Where the client and its secret stand: in the form, or in a header as basic authentication.'),
  scope: z.string().optional(),
}
const clientCredentials = z.strictObject({
  type: z.literal('oauth_client_credentials'),
  ...token,
  client_secret: secret('Its secret.'),
  audience: z.string().optional(),
})
const refresh = z.strictObject({
  type: z.literal('oauth_refresh'),
  ...token,
  refresh_token: secret('One that stays valid when it is used.'),
})
const hmac = z.strictObject({
  type: z.literal('hmac'),
  secret: secret('What the signature is made with; SHA-256.'),
  header: headerName.default('X-Signature').describe('Header of the signature.'),
  prefix: z.string().default('').describe('What stands before it, such as `sha256=`.'),
  timestamp_header: headerName.default('X-Timestamp').describe('Header of the time, where it is signed.'),
  timestamp: z.enum(['seconds', 'milliseconds']).default('seconds'),
  sign: z
    .array(z.enum(['timestamp', 'method', 'path', 'body']))
    .min(1)
    .default(['timestamp', 'method', 'path', 'body'])
    .describe('What is signed, in this order. `path` is path and query as they are sent.'),
  separator: z.string().default('\n').describe('What stands between the signed parts.'),
  encoding: z.enum(['hex', 'base64']).default('hex'),
})

/** How requests say who sends them. Values are secrets: they come from the environment. */
export const httpAuth = z.discriminatedUnion('type', [bearer, basic, apiKey, clientCredentials, refresh, hmac])
export type HttpAuth = z.output<typeof httpAuth>

/** How long to wait for what. */
export const httpTimeouts = z.union([
  duration.transform((total) => ({ total, connect: undefined })),
  z.strictObject({
    connect: duration.optional().describe('Until a connection is there. Default: 10s.'),
    total: duration.optional().describe('Until the whole answer is there. Default: 60s.'),
  }),
])
