/** Keys and list positions from the top of a configuration to one of its values. */
export type Path = readonly (string | number)[]

/** Where something stands in a file; line and column count from 1, columns and length in UTF-16 units. */
export interface Location {
  readonly line: number
  readonly column: number
  /** Characters on that line that belong to it, at least 1. */
  readonly length: number
  /** The whole line. */
  readonly text: string
}

/** What of a node is meant: its key, its value, or a piece of text within the value. */
export interface Aim {
  readonly part?: 'key' | 'value'
  readonly within?: string
}

/** Text with references to the environment: the values that went into it, none where there were only defaults. */
export interface EnvironmentUse {
  readonly path: Path
  readonly values: readonly string[]
}

/** Where a configuration was written: what a problem found later needs in order to say where it is. */
export interface Origin {
  /** As the user named it; undefined for a configuration given by a program. */
  readonly file: string | undefined
  /** By {@link formatPath}. */
  readonly environmentUses: ReadonlyMap<string, EnvironmentUse>
  /** The nearest thing above where nothing has that path; undefined where there is no file. */
  locate(path: Path, aim?: Aim): Location | undefined
}

/** `syncs.contacts.key[1]`; a name that would not read well becomes `fields["billing.city"]`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (!/^[\w$-]+$/.test(part)) text += `[${JSON.stringify(part)}]`
    else text += text === '' ? part : `.${part}`
  }
  return text
}

/** Whether the environment says what stands there: it may be a secret. A default stands in the file. */
export function isFromEnvironment({ environmentUses }: Origin, path: Path): boolean {
  return (environmentUses.get(formatPath(path))?.values.length ?? 0) > 0
}
