import type { HubspotProperty } from './hubspot-catalog.ts'
import { LIFECYCLE_STAGES } from './hubspot-definitions.ts'
import type { ValueProblem } from './hubspot-errors.ts'

/** A value as it is stored, or what is wrong with it. */
type CheckedValue = { readonly value: string } | { readonly code: string; readonly message: string }

const MAX_TEXT = 65_536
const STAGES = LIFECYCLE_STAGES.split(' ')

/**
 * What a property stores of a value that was sent, whatever its JSON type: '' clears it. `stored` is what it holds now,
 * which an addition to several options and a stage of the life cycle depend on.
 */
export function checkValue(property: HubspotProperty, sent: string, stored: string | undefined): CheckedValue {
  if (property.readOnlyValue) {
    return wrong('READ_ONLY_VALUE', `"${property.name}" is a read only property; its value cannot be set.`)
  }
  if (sent === '') return { value: '' }
  if (property.name === 'email') return checkEmail(sent)
  if (property.name === 'hs_additional_emails') return checkEmails(sent)
  switch (property.type) {
    case 'number':
      return /^-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(sent)
        ? { value: sent }
        : wrong('INVALID_FLOAT', `${sent} was not a valid number.`)
    case 'bool':
      return sent === 'true' || sent === 'false' ? { value: sent } : notAllowed(sent, property)
    case 'date':
      return checkDate(sent)
    case 'datetime':
      return checkDatetime(sent)
    case 'enumeration':
      return checkOptions(property, sent, stored)
    default:
      return sent.length <= MAX_TEXT
        ? { value: sent }
        : wrong('PROPERTY_VALUE_TOO_LONG', `The value has ${sent.length} characters, ${MAX_TEXT} are allowed.`)
  }
}

/** How e-mail addresses are stored, and looked for. */
export function normalEmail(sent: string): string {
  return sent.trim().toLowerCase()
}

function checkEmail(sent: string): CheckedValue {
  const value = normalEmail(sent)
  return value === '' || /^[^\s@<>;,"]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}$/.test(value)
    ? { value }
    : wrong('INVALID_EMAIL', `Email address ${sent} is invalid`)
}

function checkEmails(sent: string): CheckedValue {
  const checked = sent.split(';').filter((one) => one.trim() !== '')
  const values: string[] = []
  for (const one of checked) {
    const result = checkEmail(one)
    if ('code' in result) return result
    if (!values.includes(result.value)) values.push(result.value)
  }
  return { value: values.join(';') }
}

function checkDate(sent: string): CheckedValue {
  if (/^-?\d+$/.test(sent)) {
    const date = new Date(Number(sent))
    if (Number.isNaN(date.getTime())) return wrong('INVALID_DATE', `${sent} is not a valid date.`)
    const time = date.toISOString()
    return Number(sent) % 86_400_000 === 0
      ? { value: time.slice(0, 10) }
      : wrong('INVALID_DATE', `${sent} is at ${time.slice(11, 23)} UTC, not midnight!`)
  }
  const time = /^\d{4}-\d\d-\d\d$/.test(sent) ? Date.parse(`${sent}T00:00:00Z`) : Number.NaN
  const valid = !Number.isNaN(time) && new Date(time).toISOString().startsWith(sent)
  return valid ? { value: sent } : wrong('INVALID_DATE', `${sent} is not a valid date.`)
}

function checkDatetime(sent: string): CheckedValue {
  if (/^-?\d+$/.test(sent)) {
    const date = new Date(Number(sent))
    if (!Number.isNaN(date.getTime())) return { value: date.toISOString() }
  }
  const [, day] = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))?$/.exec(sent) ?? []
  const exists = day !== undefined && new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day) === true
  const date = new Date(exists ? sent : Number.NaN)
  return Number.isNaN(date.getTime())
    ? wrong('INVALID_DATE', `${sent} is not a valid date and time.`)
    : { value: date.toISOString() }
}

function checkOptions(property: HubspotProperty, sent: string, stored: string | undefined): CheckedValue {
  const several = property.fieldType === 'checkbox'
  const values = several ? [...new Set(sent.split(';').filter((one) => one !== ''))] : [sent]
  const unknown = property.externalOptions
    ? undefined
    : values.find((value) => !property.options.some((option) => option.value === value))
  if (unknown !== undefined) return notAllowed(unknown, property)
  if (property.name === 'lifecyclestage') return { value: laterStage(sent, stored) }
  if (!several) return { value: sent }
  const before = sent.startsWith(';') && stored !== undefined ? stored.split(';') : []
  return { value: [...new Set([...before, ...values])].join(';') }
}

/** A stage that is earlier than the stored one is accepted, and changes nothing. */
function laterStage(sent: string, stored: string | undefined): string {
  return stored !== undefined && STAGES.indexOf(sent) < STAGES.indexOf(stored) ? stored : sent
}

/** The rules of an administrator, which version 2026-09 enforces. */
export function brokenRule(property: HubspotProperty, value: string): ValueProblem | undefined {
  for (const {
    type,
    arguments: [argument = ''],
  } of property.rules) {
    const holds =
      (type === 'REGEX' && new RegExp(`^(?:${argument})$`).test(value)) ||
      (type === 'MIN_LENGTH' && value.length >= Number(argument)) ||
      (type === 'MAX_LENGTH' && value.length <= Number(argument)) ||
      (type === 'MIN_NUMBER' && Number(value) >= Number(argument)) ||
      (type === 'MAX_NUMBER' && Number(value) <= Number(argument))
    if (!holds) {
      const message = `${value} does not satisfy the validation rule ${type} ${argument} of ${property.name}`
      return { property: property.name, code: 'PROPERTY_VALIDATION_RULE', message }
    }
  }
  return undefined
}

function notAllowed(sent: string, { options }: HubspotProperty): CheckedValue {
  const allowed = options.map(({ value }) => value).join(', ')
  return wrong('INVALID_OPTION', `${sent} was not one of the allowed options: [${allowed}]`)
}

function wrong(code: string, message: string): CheckedValue {
  return { code, message }
}
