import * as z from 'zod'

/**
 * What `GET /sobjects/OBJECT/describe` says of an object, as far as it is used [D: Object Reference, DescribeSObjectResult].
 * What a version leaves out is taken for the harmless case.
 */

const picklistValue = z.object({ value: z.string(), active: z.boolean().default(true) })

const field = z.object({
  name: z.string(),
  label: z.string().default(''),
  type: z.string(),
  createable: z.boolean().default(false),
  updateable: z.boolean().default(false),
  nillable: z.boolean().default(true),
  defaultedOnCreate: z.boolean().default(false),
  calculated: z.boolean().default(false),
  autoNumber: z.boolean().default(false),
  externalId: z.boolean().default(false),
  idLookup: z.boolean().default(false),
  unique: z.boolean().default(false),
  caseSensitive: z.boolean().default(false),
  length: z.number().default(0),
  precision: z.number().default(0),
  scale: z.number().default(0),
  digits: z.number().default(0),
  restrictedPicklist: z.boolean().default(false),
  picklistValues: z.array(picklistValue).nullish(),
  referenceTo: z.array(z.string()).nullish(),
  relationshipName: z.string().nullish(),
  polymorphicForeignKey: z.boolean().default(false),
})

export const objectDescription = z.object({
  name: z.string(),
  createable: z.boolean().default(true),
  updateable: z.boolean().default(true),
  deletable: z.boolean().default(true),
  queryable: z.boolean().default(true),
  fields: z.array(field),
})

export type ObjectDescription = z.infer<typeof objectDescription>
export type DescribedField = ObjectDescription['fields'][number]

/** Whether a record cannot be made without it. */
export function isRequired(described: DescribedField): boolean {
  const { createable, nillable, defaultedOnCreate, type } = described
  // A checkbox is never null and false where nothing is said.
  return createable && !nillable && !defaultedOnCreate && type !== 'boolean'
}
