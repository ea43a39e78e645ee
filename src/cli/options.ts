import { InvalidArgumentError } from 'commander'

/** Options that every command knows, before or behind its name. */
export interface GlobalOptions {
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly logFormat: 'text' | 'json'
  /** False with `--no-color`. */
  readonly color: boolean
  readonly envFile?: string
  readonly chdir?: string
}

/** Options of the commands that read a configuration. */
export interface ConfigOptions extends GlobalOptions {
  readonly file?: string
}

export type DeleteAllowance = { readonly count: number } | { readonly percent: number }

/** `--allow-deletes 500` or `--allow-deletes 12.5%`. Underscores and commas may group the digits. */
export function parseDeleteAllowance(text: string): DeleteAllowance {
  const [, digits, percent] = /^(\d[\d_,]*(?:\.\d+)?)\s*(%?)$/.exec(text.trim()) ?? []
  const value = Number((digits ?? '').replace(/[_,]/g, ''))
  if (digits !== undefined && percent === '%' && value <= 100) return { percent: value }
  if (digits !== undefined && percent === '' && Number.isSafeInteger(value)) return { count: value }
  throw new InvalidArgumentError('give a number of records (500) or a share of them (5%)')
}

/** A number of rows: 0 and up. */
export function parseRows(text: string): number {
  const value = Number(text.replace(/[_,]/g, ''))
  if (/^\d[\d_,]*$/.test(text) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('give a whole number, 0 or more')
}

/** A number of things to list: 1 and up. */
export function parseCount(text: string): number {
  const value = parseRows(text)
  if (value > 0) return value
  throw new InvalidArgumentError('give a whole number, 1 or more')
}

/** A port to listen on; 0 is one that is free. */
export function parsePort(text: string): number {
  const value = parseRows(text)
  if (value <= 65_535) return value
  throw new InvalidArgumentError('give a port, 65535 at most')
}

/** `--select tag:crm`, and again for more tags. */
export function parseSelector(text: string, earlier: readonly string[] = []): readonly string[] {
  const [, tag] = /^tag:(.+)$/.exec(text) ?? []
  if (tag === undefined) throw new InvalidArgumentError('give a tag (tag:crm); name syncs without --select')
  return [...earlier, tag]
}
