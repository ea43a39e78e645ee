import * as z from 'zod'
import { SYNC_MODE_NAMES } from '../core/sync-mode.ts'
import {
  DURATION_PATTERN,
  parseDuration,
  parseRate,
  parseThreshold,
  RATE_PATTERN,
  THRESHOLD_PATTERN,
} from './durations.ts'
import { rowsShape } from './rows-schema.ts'
import { parsed, text, textOrList } from './schema-parts.ts'
import { parseTemplate } from './templates.ts'

/**
 * The form of rowferry.yaml. Rules between keys (exactly one of, references) are in rules.ts. Descriptions are
 * what editors show and what scripts/config-docs.mjs makes the tables of docs/configuration.md from. What may be left
 * out says at its end what holds then: a value in backquotes, which a test compares with the code, or words.
 */

/** Names of connections and syncs: they become file names and words on a command line. */
export const NAME_PATTERN = '^[a-z0-9][a-z0-9_-]{0,63}$'

const EXPECTED_DURATION = 'expected a duration such as 10s, 5m, 2h or 1d'
// Timers of Node end at 2^31 ms; beyond that they would fire at once.
const LONGEST_TIMER = 24 * 86_400_000

const duration = parsed(
  z.string({ error: EXPECTED_DURATION }).meta({ pattern: DURATION_PATTERN }),
  parseDuration,
  EXPECTED_DURATION,
)

const EXPECTED_THRESHOLD = 'expected a number of records, or a share from 0% to 100%'
const threshold = parsed(
  z.union([z.number(), z.string().meta({ pattern: THRESHOLD_PATTERN })], { error: EXPECTED_THRESHOLD }),
  parseThreshold,
  EXPECTED_THRESHOLD,
)

const EXPECTED_SCALAR = 'expected a text, a number, true, false or null'
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: EXPECTED_SCALAR })

const variable = z
  .enum(['run.id', 'run.started_at', 'sync.name'])
  .describe('Value that rowferry knows: the id or the start (UTC) of the run, or the name of the sync.')

const connection = z
  .union(
    [
      text('a URL').describe('URL whose scheme names the connector: postgres://…, sqlite:./app.db'),
      z
        .looseObject({
          type: text("a connector's name such as postgres, sqlite or hubspot").describe(
            'Connector: `rowferry connectors` lists them.',
          ),
        })
        .describe('Connector and its options.'),
    ],
    { error: 'expected a URL such as postgres://… or sqlite:./app.db, or a map with a type' },
  )
  .describe('A system that syncs read from or write to.')

const readMethod = z
  .enum(['auto', 'copy', 'cursor'])
  .describe('COPY is fastest, a cursor works behind every pooler; auto tries COPY first. Default: `auto`.')

const EXPECTED_CONNECTIONS = 'expected a number of connections from 1 to 16'

const read = z
  .strictObject({
    method: readMethod.optional(),
    parallel: z
      .int({ error: EXPECTED_CONNECTIONS })
      .min(1, { error: EXPECTED_CONNECTIONS })
      .max(16, { error: EXPECTED_CONNECTIONS })
      .optional()
      .describe('Connections that read at the same time, each a range of keys, from one snapshot. Default: `1`.'),
    digest: z
      .boolean()
      .optional()
      .describe('The server computes the fingerprints, and sends only changed rows as a whole. Default: `false`.'),
  })
  .describe('How Postgres is read.')

const source = z
  .strictObject({
    connection: text('the name of a connection')
      .optional()
      .describe('Connection to read from. Default: none; `sql`, `table` and the file of a query need one.'),
    sql: text('a query')
      .optional()
      .describe('Query whose rows are the model. Taken literally: the environment is not expanded in it.'),
    file: text('the path of a file')
      .optional()
      .describe('File of the query (.sql, below this folder), or of rows: .csv, .tsv, .ndjson, .jsonl, also as .gz.'),
    table: text("a table's name").optional().describe('Table or view whose rows are the model.'),
    params: z
      .record(z.string(), scalar)
      .optional()
      .describe('Values bound to :name in the query, never pasted into it. Default: none.'),
    read: z
      .union([readMethod, read], { error: 'expected auto | copy | cursor, or a map such as { parallel: 2 }' })
      .optional()
      .describe('How Postgres is read: the method alone, or a map. Default: `auto`.'),
    idle_timeout: parsed(
      z.string({ error: EXPECTED_DURATION }).meta({ pattern: DURATION_PATTERN }),
      (value) => (Number(parseDuration(value)) <= LONGEST_TIMER ? parseDuration(value) : undefined),
      `${EXPECTED_DURATION}, at most 24d`,
    )
      .optional()
      .describe('A read of Postgres fails after this long without a byte; at most 24d. Default: `10m`.'),
    ...rowsShape,
  })
  .meta({ oneOf: [{ required: ['stdin'] }, { required: ['sql'] }, { required: ['file'] }, { required: ['table'] }] })
  .describe('The model: the rows to sync.')

const destination = z
  .strictObject({
    connection: text('the name of a connection').describe('Connection to write to.'),
    table: text("a table's name").optional().describe('Table that receives the rows.'),
    object: text("an object's name").optional().describe('Object that receives the rows, where it is not a table.'),
    match: textOrList('a destination field')
      .optional()
      .describe('Destination fields by which a record is found again. Default: what the key maps to.'),
    create: z.boolean().optional().describe('Create the table if it is missing. Default: `false`.'),
  })
  .meta({ oneOf: [{ required: ['table'] }, { required: ['object'] }] })
  .describe('What receives the rows.')

const deletes = z
  .strictObject({
    scope: z
      .enum(['all', 'seen'])
      .optional()
      .describe('all: every record the model lacks; seen: only those it once held. Default: by the destination.'),
    as: z
      .union(
        [
          z.enum(['delete', 'archive', 'clear']),
          z.record(
            z.string(),
            z.union([scalar, z.strictObject({ variable })], {
              error: 'expected a text, a number, true, false, null or { variable: … }',
            }),
          ),
        ],
        { error: 'expected delete | archive | clear | a map of the fields to set instead' },
      )
      .optional()
      .describe('What a delete does: remove, archive, empty the mapped fields, or set fields. Default: `delete`.'),
  })
  .describe('What is deleted and how, in the modes that delete.')

const mapping = z
  .strictObject({
    from: text('a column').optional().describe('Column of the model.'),
    value: scalar.optional().describe('Constant.'),
    variable: variable.optional(),
    template: z
      .string()
      .transform((value, context) => {
        const template = parseTemplate(value)
        if ('parts' in template) return template.parts
        context.issues.push({ code: 'custom', message: template.problem, input: value })
        return z.NEVER
      })
      .optional()
      .describe('Text with {column} in it; {{ is a brace.'),
    type: z
      .enum(['text', 'number', 'integer', 'boolean', 'date', 'timestamp', 'json'])
      .optional()
      .describe('What the value is read as. Default: what the column or the constant is; text for the rest.'),
    hash: z.enum(['sha256']).optional().describe("Send the hash of the column's text, in hexadecimal. Default: none."),
    nulls: z.enum(['write', 'skip']).optional().describe('skip: a null leaves the field as it is. Default: `write`.'),
    on: z.enum(['always', 'insert']).optional().describe('insert: only when the record is created. Default: `always`.'),
  })
  .meta({
    oneOf: [{ required: ['from'] }, { required: ['value'] }, { required: ['variable'] }, { required: ['template'] }],
  })
  .describe('How the field gets its value.')

const fields = z
  .record(
    z.string(),
    z.union([text('a column').describe('Column of the model.'), mapping], {
      error: 'expected a column, or a map with from, value, variable or template',
    }),
  )
  .describe('Destination field: where its value comes from. Default: all columns, under their own names.')

const guards = z
  .strictObject({
    max_deletes: threshold
      .optional()
      .describe(
        'More deletes than this are held. Default: more than 20 that are also more than 10% of the records in scope.',
      ),
    min_rows: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Fail before anything is sent if the model has fewer rows. Default: no limit.'),
    max_rejected: threshold
      .optional()
      .describe('Stop the run when the destination refuses more than this. Default: no limit.'),
  })
  .describe('Limits beyond which a run stops or deletes nothing.')

const index = z
  .strictObject({
    bootstrap: z
      .enum(['list', 'empty'])
      .optional()
      .describe(
        "The first run starts from the destination's own keys, or from none. Default: by the destination and the mode.",
      ),
    refresh: z
      .union([z.enum(['always', 'never']), duration], { error: 'expected always | never | a duration such as 1d' })
      .optional()
      .describe(
        "When to list the destination's keys again: each run, never, or when the list is this old. Default: by the destination and the mode.",
      ),
  })
  .describe('What is known of the records that exist in the destination.')

const EXPECTED_RATE = 'expected requests per time such as 100/10s or 5/s'
const batch = z
  .strictObject({
    size: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('Most changes of a request; the destination may take fewer. Default: what it takes.'),
    concurrency: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('Most requests under way at once; the destination may take fewer. Default: what it takes.'),
    rate: parsed(z.string({ error: EXPECTED_RATE }).meta({ pattern: RATE_PATTERN }), parseRate, EXPECTED_RATE)
      .optional()
      .describe('Most requests in any such time: 100/10s, 5/s. Default: no limit.'),
  })
  .describe('How changes are sent.')

const sync = z
  .strictObject({
    description: z.string().optional().describe('For people. Default: none.'),
    tags: z.array(text('a tag')).optional().describe('For `--select tag:NAME`. Default: none.'),
    source,
    key: textOrList('a column').describe('Model column or columns that identify a row: unique and never null.'),
    mode: z.enum(SYNC_MODE_NAMES).describe('Which of insert, update and delete are sent.'),
    destination,
    deletes: deletes.optional(),
    fields: fields.optional(),
    exclude: z
      .array(text('a column'))
      .optional()
      .describe('Columns that are not synced, where there is no `fields`. Default: none.'),
    guards: guards.optional(),
    index: index.optional(),
    batch: batch.optional(),
  })
  .describe('One model, one object, one mapping, one mode.')

const named = (what: string) => ({ propertyNames: { pattern: NAME_PATTERN }, description: what })

export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('JSON Schema of this file, for editors. Default: none.'),
  version: z.literal(1).describe('Version of this format.'),
  state: text("a folder's path")
    .optional()
    .describe('Folder of the key indexes and the run history. Default: `.rowferry`.'),
  connections: z.record(z.string(), connection).meta(named('Systems to read from and to write to, by name.')),
  syncs: z.record(z.string(), sync).meta(named('Syncs by name.')),
})

/** What may be written in rowferry.yaml, as an object. */
export type ConfigInput = z.input<typeof configSchema>

/** The form is right; references and rules between keys are not yet checked. */
export type CheckedConfig = z.output<typeof configSchema>

/** Types a configuration that a program gives; the identity function. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}

/** JSON Schema of rowferry.yaml in draft 7, the newest that YAML editors understand. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' })
  return { ...schema, title: 'rowferry.yaml' }
}
