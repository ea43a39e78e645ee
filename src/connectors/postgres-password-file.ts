import type pg from 'pg'
import pgpass from 'pgpass'

/** What pg's client knows of its connection beyond its published types. */
interface Parameters {
  password: unknown
  readonly connectionParameters: {
    readonly host: string
    readonly port: number
    readonly database: string
    readonly user: string
  }
}

/**
 * Takes the password from the file that libpq reads (PGPASSFILE, ~/.pgpass), where neither the connection nor PGPASSWORD
 * has one and the server asks. pg would do so by itself, with a warning on stderr that it will stop to.
 */
export function usePasswordFile(client: pg.Client): void {
  const known = client as unknown as Parameters
  if (known.password !== null && known.password !== undefined) return
  known.password = () =>
    new Promise<string | undefined>((resolve) => {
      pgpass(known.connectionParameters, resolve)
    })
}
