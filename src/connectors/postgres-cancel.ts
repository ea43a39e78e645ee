import pg from 'pg'

/** Longest wait for a cancel request to be taken, in milliseconds. */
const CANCEL_TIMEOUT_MS = 2000

/** What pg's connection can do beyond its published types. */
interface RequestConnection extends pg.Connection {
  connect(portOrPath: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: number): void
}

interface Backend {
  readonly processID: number | null
  readonly secretKey: number | null
  readonly ssl: pg.ConnectionConfig['ssl']
}

/**
 * Asks the server to stop what `client` runs, on a connection of its own: a backend that sorts or sleeps does not
 * notice that nobody listens any more. Resolves when the request was taken, or could not be delivered in time; never
 * rejects, because the caller closes the connection anyway.
 */
export async function cancelQuery(client: pg.Client): Promise<void> {
  const { processID, secretKey, ssl } = client as unknown as Backend
  if (processID === null || secretKey === null) return
  const connection = new pg.Connection({ ssl }) as RequestConnection
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => connection.stream.destroy(), CANCEL_TIMEOUT_MS)
    const send = () => connection.cancel(processID, secretKey)
    connection.once('connect', () => (ssl ? connection.requestSsl() : send()))
    connection.once('sslconnect', send)
    connection.on('error', () => connection.stream.destroy())
    connection.once('end', () => {
      clearTimeout(timer)
      resolve()
    })
    if (client.host.startsWith('/')) connection.connect(`${client.host}/.s.PGSQL.${client.port}`)
    else connection.connect(client.port, client.host)
  })
}
