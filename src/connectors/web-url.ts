import * as z from 'zod'

/** Option: where a service is, `https://HOST` and perhaps a path; without the slash at its end. */
export const serviceUrl = z
  .url({ protocol: /^https?$/, error: 'expected https://HOST' })
  .refine((url) => !/[?#@]/.test(url), 'expected https://HOST, with nothing but a path behind it')
  .transform((url) => url.replace(/\/+$/, ''))
