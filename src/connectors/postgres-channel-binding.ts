import type pg from 'pg'
import { configurationError, type FatalError } from '../core/errors.ts'

/** What libpq and pg call the exchange that both sides bind to the TLS connection they are on. */
const BOUND = 'SCRAM-SHA-256-PLUS'

/**
 * Holds a client that is about to connect to `channel_binding: require`: who takes the connection has to prove over
 * this very TLS connection that it knows the password. Any other way in ends the connection before anything is sent,
 * and answers why.
 */
export function requireChannelBinding(client: pg.Client, at: string): { readonly refusal: FatalError | undefined } {
  const { connection } = client
  const state: { refusal: FatalError | undefined } = { refusal: undefined }
  let proven = false
  const refuse = (what: string) => {
    if (state.refusal !== undefined) return
    const message =
      `${at} ${what}, and channel_binding is require: have the server ask for scram-sha-256 over TLS (pg_hba.conf, ` +
      'password_encryption), or set channel_binding: prefer'
    state.refusal = configurationError('tls_failed', message)
    // The client's own listener comes next: what it then sends goes nowhere.
    connection.stream.destroy()
    connection.emit('error', state.refusal)
  }
  const unbound = () => refuse('asks for a password that is not bound to TLS')
  connection.on('authenticationCleartextPassword', unbound)
  connection.on('authenticationMD5Password', unbound)
  connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: readonly string[] }) => {
    if (!mechanisms.includes(BOUND)) unbound()
  })
  connection.on('authenticationSASLFinal', () => {
    proven = true
  })
  connection.on('authenticationOk', () => {
    if (!proven) refuse('lets the user in without a password')
  })
  return state
}
