const PARAMETERS = [
  'host',
  'port',
  'user',
  'password',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'channel_binding',
  'application_name',
  'options',
  'connect_timeout',
]

/** Parameters of libpq that mean nothing here: they are accepted so that a URL copied from elsewhere works. */
const IGNORED = ['fallback_application_name', 'gssencmode', 'sslnegotiation', 'target_session_attrs', 'keepalives']

const UNREADABLE =
  'the URL cannot be read: in user and password, write / as %2F, @ as %40, # as %23, ? as %3F and % as %25'

/**
 * The parts of `postgres://user:password@host:port/database?sslmode=…` as options, or a sentence that says what is wrong
 * with it. The sentence never repeats the URL: it holds a password.
 */
export function parsePostgresUrl(text: string): Record<string, string> | string {
  if (!/^postgres(ql)?:\/\//i.test(text)) return 'a Postgres URL starts with postgres:// or postgresql://'
  const behindScheme = text.slice(text.indexOf('//') + 2)
  const authority = behindScheme.split(/[/?#]/, 1)[0] ?? ''
  if (/^[^?]*@/.test(behindScheme.slice(authority.length))) return UNREADABLE
  if (authority.slice(authority.lastIndexOf('@') + 1).includes(',')) {
    return 'the URL names several hosts: name one, or put a proxy in front of them'
  }
  let url: URL
  const parts: Record<string, string> = {}
  const put = (name: string, value: string) => {
    if (value !== '') parts[name] = decodeURIComponent(value)
  }
  try {
    // Node takes no user without a host; in Postgres the host may be missing or follow as `?host=/var/run/postgresql`.
    url = new URL(authority.endsWith('@') ? text.replace(/@(?=[/?#]|$)/, '@localhost') : text)
    put('user', url.username)
    put('password', url.password)
    put('host', url.hostname.replace(/^\[(.*)\]$/, '$1'))
    put('port', url.port)
    put('database', url.pathname.slice(1))
  } catch {
    return UNREADABLE
  }
  if (url.hash !== '') return UNREADABLE
  for (const [name, value] of url.searchParams) {
    if (IGNORED.includes(name) || name.startsWith('keepalives_')) continue
    if (name !== 'dbname' && !PARAMETERS.includes(name)) {
      return `the URL has an unknown parameter ${name}: use ${PARAMETERS.join(', ')}`
    }
    parts[name === 'dbname' ? 'database' : name] = value
  }
  return parts
}
