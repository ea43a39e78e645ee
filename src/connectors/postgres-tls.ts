import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { configurationError, messageOf } from '../core/errors.ts'

/** What decides about TLS. */
interface TlsOptions {
  readonly host: string
  readonly sslmode: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
  /** `system` stands for the authorities that Node knows. */
  readonly sslrootcert: string | undefined
  readonly sslcert: string | undefined
  readonly sslkey: string | undefined
}

/** The ways to connect that the mode allows, in the order to try them. */
export function tlsAttempts(options: TlsOptions): (false | ConnectionOptions)[] {
  if (options.sslmode === 'disable' || options.host.startsWith('/')) return [false]
  const files = {
    ...(options.sslrootcert === undefined || options.sslrootcert === 'system' ? {} : { ca: pem(options.sslrootcert) }),
    ...(options.sslcert === undefined ? {} : { cert: pem(options.sslcert) }),
    ...(options.sslkey === undefined ? {} : { key: pem(options.sslkey) }),
  }
  const encrypted = { ...files, rejectUnauthorized: false }
  const trusted = { ...files, rejectUnauthorized: true }
  switch (options.sslmode) {
    case 'allow':
      return [false, encrypted]
    case 'prefer':
      return [encrypted, false]
    case 'verify-full':
      return [trusted]
    default:
      // As in libpq, `require` with a root certificate verifies the chain.
      return options.sslmode === 'require' && options.sslrootcert === undefined
        ? [encrypted]
        : [{ ...trusted, checkServerIdentity: () => undefined }]
  }
}

function pem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const message = `cannot read the certificate file ${file} (${messageOf(error)}): correct its path in the connection`
    throw configurationError('tls_file_unreadable', message, error)
  }
}

/** Whether the other way (without TLS, or with it) may still work: only then is a second attempt made. */
export function isAboutTls(error: unknown, encrypted: boolean): boolean {
  if (encrypted) return /SSL|TLS/i.test(messageOf(error))
  return (error as { code?: unknown }).code === '28000'
}
