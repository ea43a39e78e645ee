import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { configurationError, messageOf } from '../core/errors.ts'
import { rate } from './http-amounts.ts'
import { httpObject } from './http-operation-options.ts'

/** APIs that come with a configuration of their own. None of them was tested against the live service. */
export const HTTP_PRESETS = ['braze', 'customerio', 'intercom', 'klaviyo', 'slack', 'zendesk'] as const

/** Sources and tests name the same folder: it is two levels up from all three, sources, library and bundled command line. */
const FOLDER = new URL('../../src/connectors/presets/', import.meta.url)

/** A file of a preset: a connection without secrets, and where its facts are from. */
const presetFile = z.strictObject({
  title: z.string(),
  tested: z.literal('not tested against the live service'),
  sources: z
    .array(z.strictObject({ url: z.string(), tag: z.enum(['documented', 'assumed']), says: z.string() }))
    .min(1),
  notes: z.array(z.string()).default([]),
  base_url: z.string().optional(),
  base_url_hint: z.string().optional(),
  auth: z.record(z.string(), z.unknown()).optional(),
  auth_hint: z.string().optional(),
  headers: z.record(z.string(), z.string()).default({}),
  rate: z.array(rate).default([]),
  concurrency: z.int().min(1).optional(),
  retry_after: z.array(z.string()).optional(),
  timestamps: z.enum(['rfc3339', 'as_is']).optional(),
  check: z.string().optional(),
  objects: z.record(z.string(), httpObject),
})

export type HttpPreset = z.output<typeof presetFile>

/** Reads a preset. Throws FatalError where its file is not there, as in a program that was bundled. */
export function readPreset(name: (typeof HTTP_PRESETS)[number]): HttpPreset {
  let text: string
  try {
    text = readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')
  } catch (error) {
    const message = `the preset ${name} cannot be read (${messageOf(error)}): install rowferry again, or write its objects out`
    throw configurationError('no_preset', message, error)
  }
  return presetFile.parse(JSON.parse(text))
}
