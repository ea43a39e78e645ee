import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { EXIT } from '../../src/cli/exit-code.ts'
import { Tally } from '../../src/core/tally.ts'
import { readPage } from '../support/markdown.ts'

const { blocks, prose } = readPage('docs/operations.md')
const of = (language: string) => blocks.filter((block) => block.language === language).map(({ text }) => text)

interface CronJob {
  readonly kind: string
  readonly spec: {
    readonly jobTemplate: {
      readonly spec: {
        readonly podFailurePolicy: {
          readonly rules: readonly {
            readonly action: string
            readonly onExitCodes?: { readonly values: readonly number[] }
          }[]
        }
        readonly template: { readonly spec: { readonly restartPolicy: string } }
      }
    }
  }
}

const documents = of('yaml').flatMap((text) => parseAllDocuments(text, { uniqueKeys: true }))

test('every YAML snippet parses, without a warning', () => {
  assert.deepEqual(
    documents.flatMap(({ errors, warnings }) => [...errors, ...warnings].map(String)),
    [],
  )
  const kinds = documents.map((document) => (document.toJS() as { kind?: string; on?: unknown }).kind)
  assert.deepEqual(kinds, ['PersistentVolumeClaim', 'CronJob', undefined])
})

/** `Key=value` lines of the unit files, by key. */
function unitSettings(): Map<string, string> {
  const settings = new Map<string, string>()
  for (const text of of('ini')) {
    for (const line of text.trim().split('\n')) {
      if (line === '' || /^\[[A-Z]\w+\]$/.test(line)) continue
      const [, key = '', value = ''] = /^([A-Z][A-Za-z]+)=(\S.*)$/.exec(line) ?? assert.fail(`no setting: ${line}`)
      settings.set(key, value)
    }
  }
  return settings
}

const numbers = (text = '') => text.split(/\s+/).map(Number)

test('what no retry helps with is the same for systemd and Kubernetes', () => {
  const settings = unitSettings()
  const never = [EXIT.rowErrors, EXIT.deletesHeld, EXIT.usage, EXIT.configuration]
  assert.deepEqual(numbers(settings.get('RestartPreventExitStatus')), never)
  assert.deepEqual(numbers(settings.get('SuccessExitStatus')), [EXIT.locked, EXIT.SIGTERM])
  const job = documents.map((document) => document.toJS() as CronJob).find(({ kind }) => kind === 'CronJob')
  const { podFailurePolicy, template } = job?.spec.jobTemplate.spec ?? assert.fail('no job')
  assert.deepEqual(podFailurePolicy.rules.at(-1)?.onExitCodes?.values, never)
  // Kubernetes accepts a failure policy with no other.
  assert.equal(template.spec.restartPolicy, 'Never')
})

test('the table of exit codes has all of them', () => {
  const [, section = ''] = prose.split('\n## What to do for each exit code\n')
  const [table = ''] = section.split('\n## ')
  const codes = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell = '']) => cell.split(',').map(Number))
  assert.deepEqual(
    codes.filter((code) => code !== 137),
    Object.values(EXIT).sort((a, b) => a - b),
  )
})

test('the filters of jq name what is in a report or a status', () => {
  const known = [
    ...['sync', 'status', 'duration_ms', 'started_at', 'counts', 'guards', 'message', 'error'],
    ...['running', 'last_run', 'key', 'value'],
    ...Object.keys(new Tally().counts),
  ]
  const filters = of('sh').filter((text) => text.includes('jq '))
  const named = filters.flatMap((text) => [...text.matchAll(/(?<![\w/])\.([a-z_]+)/g)].map(([, name = '']) => name))
  assert.ok(named.length > 10)
  assert.deepEqual(
    named.filter((name) => !known.includes(name) && name !== 'json'),
    [],
  )
})
