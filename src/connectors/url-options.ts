import type { z } from 'zod'
import { suggestion } from '../core/did-you-mean.ts'

type Shape = Readonly<Record<string, z.ZodType>>
type Values<Of extends Shape> = { readonly [Name in keyof Of]: z.output<Of[Name]> }

/**
 * The options of a connection that names no place: those in its URL (`generate:?rows=1000&seed=7`), checked by the same
 * schemas as those that are given beside it, which win. Adds an issue to `context` for each that is wrong.
 */
export function withUrl<Of extends Shape>(
  url: string | undefined,
  given: { readonly [Name in keyof Of]?: z.output<Of[Name]> | undefined },
  shape: Of,
  context: z.RefinementCtx,
): Partial<Values<Of>> {
  const written = new URLSearchParams(url?.slice(url.indexOf('?') + 1 || url.length))
  const beside = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries([...readOptions(written, shape, context), ...beside]) as Partial<Values<Of>>
}

function readOptions(written: URLSearchParams, shape: Shape, context: z.RefinementCtx): Map<string, unknown> {
  const names = Object.keys(shape)
  const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['url'], message })
  const found = new Map<string, unknown>()
  for (const [name, text] of written) {
    const schema = names.includes(name) ? shape[name] : undefined
    if (schema === undefined) {
      refuse(`there is no option ${name}${suggestion(name, names)}; there are ${names.join(', ')}`)
      continue
    }
    if (found.has(name)) refuse(`${name} is there twice; give it once`)
    const checked = schema.safeParse(/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text)
    if (checked.success) found.set(name, checked.data)
    else refuse(`${name}: ${checked.error.issues.map(({ message }) => lowerFirst(message)).join(', ')}`)
  }
  return found
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}
