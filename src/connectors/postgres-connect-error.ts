import { configurationError, FatalError, messageOf } from '../core/errors.ts'

/** Where a connection goes, as far as messages may say it. */
interface Place {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string | undefined
}

/** Why connecting failed, as what the user must do. Never holds the password. */
export function connectError(error: unknown, options: Place): FatalError {
  const at = `${options.host}:${options.port}/${options.database}`
  const user = options.user === undefined ? 'the user' : `user "${options.user}"`
  const code = String((error as { code?: unknown } | null)?.code ?? '')
  const said = reason(error, code)
  switch (code) {
    case '28P01':
      return configurationError(
        'authentication_failed',
        `${at} refused the password of ${user}: correct user and password of the connection`,
        error,
      )
    case '28000':
      return configurationError(
        'authentication_failed',
        `${at} does not let ${user} in (${said}): correct the user, set sslmode, or allow this client in pg_hba.conf`,
        error,
      )
    case '3D000':
      return configurationError(
        'database_not_found',
        `${at} has no database "${options.database}": correct its name in the connection, or create it`,
        error,
      )
    case '42501':
      return configurationError(
        'permission_denied',
        `${user} may not connect to ${at}: run GRANT CONNECT ON DATABASE for it`,
        error,
      )
    case '53300':
      return new FatalError(
        'too_many_connections',
        `${at} has no connection left (${said}): close idle ones, raise max_connections, or try again later`,
        { cause: error },
      )
  }
  if (/password must be a (non-empty )?string/.test(said)) {
    return configurationError(
      'authentication_failed',
      `${at} asks for a password and none is set for ${user}: add it to the connection`,
      error,
    )
  }
  if (/does not support SSL/.test(said)) {
    return configurationError(
      'tls_failed',
      `${at} does not offer TLS: set sslmode=disable if the network between is trusted, or turn on ssl in the server`,
      error,
    )
  }
  if (/CERT|ISSUER|VERIFY|ERR_SSL|ERR_TLS|EPROTO|ERR_OSSL/.test(code)) {
    return configurationError(
      'tls_failed',
      `the certificate of ${at} cannot be verified (${said}): name the file of its authority as sslrootcert, ` +
        'or set sslmode=require to encrypt without knowing who answers',
      error,
    )
  }
  return new FatalError(
    'connection_failed',
    `cannot connect to ${at} (${said}): check host and port, that the server runs, and that no firewall is between`,
    { cause: error },
  )
}

function reason(error: unknown, code: string): string {
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'unknown host name'
  if (messageOf(error) === 'timeout expired' || code === 'ETIMEDOUT') return 'no answer in time'
  return messageOf(error) || code
}
