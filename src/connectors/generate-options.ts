import * as z from 'zod'
import { withUrl } from './url-options.ts'

/** Keys count up from 1 row by row, and texts have ten digits. */
const MOST_KEYS = 9_999_999_999

const rate = z.number().min(0).max(1)

const SHAPE = {
  rows: z.int().min(0).max(1_000_000_000),
  seed: z.int().min(0).max(0xffff_ffff),
  key: z.enum(['integer', 'text', 'uuid']),
  generation: z.int().min(0).max(1_000_000),
  change_rate: rate,
  delete_rate: rate,
  new_rate: rate,
} as const

/** What is generated. Docs of the options: the schema. */
export type GenerateOptions = { readonly [Name in keyof typeof SHAPE]: z.output<(typeof SHAPE)[Name]> }

const DEFAULTS: GenerateOptions = {
  rows: 1_000_000,
  seed: 1,
  key: 'integer',
  generation: 0,
  change_rate: 0.01,
  delete_rate: 0.001,
  new_rate: 0.001,
}

export const generateOptions = z
  .strictObject({
    type: z.literal('generate').optional(),
    url: z
      .string()
      .regex(/^generate:(\/\/)?(\?.*)?$/, 'expected generate:, or generate:?rows=1000&seed=7')
      .optional()
      .describe('generate:, or with the options in it: generate:?rows=1000&seed=7. Default: `"generate:"`.'),
    rows: SHAPE.rows.optional().describe('Rows of generation 0. Default: `1000000`.'),
    seed: SHAPE.seed.optional().describe('Another seed makes other rows, under the same keys. Default: `1`.'),
    key: SHAPE.key.optional().describe('What the column `id` is, by which the rows are in order. Default: `integer`.'),
    generation: SHAPE.generation
      .optional()
      .describe('How many times the rows have changed since generation 0. Default: `0`.'),
    change_rate: SHAPE.change_rate
      .optional()
      .describe('Share of `rows` that differ from one generation to the next. Default: `0.01`.'),
    delete_rate: SHAPE.delete_rate
      .optional()
      .describe('Share of `rows` that the next generation lacks. Default: `0.001`.'),
    new_rate: SHAPE.new_rate
      .optional()
      .describe('Share of `rows` that the next generation has besides, with keys behind all others. Default: `0.001`.'),
  })
  .transform(({ type: _, url, ...given }, context): GenerateOptions => {
    const options = { ...DEFAULTS, ...withUrl(url, given, SHAPE, context) }
    if (options.rows + options.generation * Math.round(options.rows * options.new_rate) > MOST_KEYS) {
      context.addIssue({
        code: 'custom',
        path: [],
        message: 'these are more rows than there are keys; lower `generation`',
      })
    }
    return options
  })
