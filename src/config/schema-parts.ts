import * as z from 'zod'

/** A text that is not empty. `what` completes "expected …". */
export function text(what: string): z.ZodString {
  const error = `expected ${what}`
  return z.string({ error }).min(1, { error })
}

/** One name, or a list of at least one: always a list in the end. `what` completes "expected …". */
export function textOrList(what: string) {
  const error = `expected ${what} or a list of them`
  return z
    .union([text(what), z.array(text(what)).min(1, { error })], { error })
    .transform((value): readonly string[] => (typeof value === 'string' ? [value] : value))
}

/** What `parse` makes of a value that has the right type; `expected` is the message where it returns undefined. */
export function parsed<Input, Output>(
  schema: z.ZodType<Input, Input>,
  parse: (value: Input) => Output | undefined,
  expected: string,
) {
  return schema.transform((value, context): Output => {
    const result = parse(value)
    if (result !== undefined) return result
    context.issues.push({ code: 'custom', message: expected, input: value })
    return z.NEVER
  })
}
