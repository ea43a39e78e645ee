import { styleText } from 'node:util'

export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Colours a text, or leaves it as it is. */
export type Style = (format: Format, text: string) => string

export const PLAIN: Style = (_format, text) => text

export const COLOURED: Style = (format, text) => styleText(format, text, { validateStream: false })

/** https://no-color.org: set and not empty means no colour, and so does `--no-color`, a pipe or a dumb terminal. */
export function wantsColour(
  color: boolean,
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const { NO_COLOR, TERM } = environment as { NO_COLOR?: string; TERM?: string }
  return color && stream.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb'
}
