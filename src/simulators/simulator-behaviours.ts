/** How it is known that the vendor's service does the same. */
type EvidenceTag =
  /** The vendor's documentation or changelog says so. */
  | 'documented'
  /** The vendor's OpenAPI file says so. */
  | 'specified'
  /** It can be seen in a recorded exchange with the service. */
  | 'recorded'
  /** Somebody else wrote that they saw it in a test against the service. */
  | 'live-test'
  /** Published code that talks to the service relies on it. */
  | 'code'
  /** A public issue or pull request says so. */
  | 'issue'
  /** It was measured with the vendor's client, without the service. */
  | 'measured'
  /** Nobody said so: it is what seems likely. */
  | 'assumed'

/** Something that a simulator does, that a client may rely on or stumble over. A test is named by its id. */
export interface Behaviour {
  /** `limits.daily`: a group of tests, a dot, a name. */
  readonly id: string
  /** A sentence without its full stop. */
  readonly what: string
  readonly tag: EvidenceTag
  /** Where that can be read. */
  readonly source: string
}

const TAGS: readonly string[] = [
  'documented',
  'specified',
  'recorded',
  'live-test',
  'code',
  'issue',
  'measured',
  'assumed',
]

/** Reads a table whose lines are `id | tag | source | what`; a line that begins with spaces goes on with the one before. */
export function readBehaviours(table: string): readonly Behaviour[] {
  const lines = table.trim().replace(/\n +/g, ' ').split('\n')
  return lines.map((line) => {
    const [id = '', tag = '', source = '', what = ''] = line.split(' | ')
    if (what === '' || !TAGS.includes(tag)) throw new Error(`no line of a table of behaviours: ${line}`)
    return { id, what, tag: tag as EvidenceTag, source }
  })
}
