import pg from 'pg'

/** What the server says about a query before any row of it. */
export interface QueryDescription {
  /** Type of each parameter, as oid. */
  readonly parameters: readonly number[]
  /** Undefined where the statement returns no rows. */
  readonly columns: readonly StatementColumn[] | undefined
  /** Why it cannot start. What was not reached is not in this description. */
  readonly refusal: StartRefusal | undefined
}

export interface StatementColumn {
  readonly name: string
  /** Oid of the type; that of the base type where the column's type is a domain. */
  readonly type: number
  /** Precision, length and the like, as stored in the catalogue; -1 for none. */
  readonly modifier: number
}

export interface StartRefusal {
  /** What the server refused: to parse the query, to parse the probe, or to run it. */
  readonly at: 'query' | 'probe' | 'start'
  readonly error: Error
}

/**
 * Has the server parse and describe a query, then parse and run `probe`, which takes the same parameters and returns no
 * rows: what the query is, and whether it can start, in one exchange of the extended protocol. What stands behind the
 * first refusal is not looked at. Rejects where there is no answer: the connection is gone.
 */
export async function describeQuery(
  client: pg.Client,
  text: string,
  probe: { readonly text: string; readonly values: (string | null)[] },
): Promise<QueryDescription> {
  return new Promise((resolve, reject) => {
    let parameters: readonly number[] = []
    let columns: StatementColumn[] | undefined
    let parsed = 0
    let connection: pg.Connection | undefined
    const onParameters = (message: { readonly dataTypeIDs: readonly number[] }) => {
      parameters = message.dataTypeIDs
    }
    const onParsed = () => {
      parsed++
    }
    const settled = () => {
      connection?.removeListener('parameterDescription', onParameters)
      connection?.removeListener('parseComplete', onParsed)
    }
    const query = {
      submit(opened: pg.Connection) {
        connection = opened
        connection.once('parameterDescription', onParameters)
        connection.on('parseComplete', onParsed)
        // One packet: what is sent by itself waits for its acknowledgement.
        connection.stream.cork()
        connection.parse({ name: '', text, types: [] }, true)
        connection.describe({ type: 'S', name: '' }, true)
        connection.parse({ name: '', text: probe.text, types: [] }, true)
        connection.bind({ values: probe.values }, true)
        connection.execute(null, true)
        connection.sync()
        connection.stream.uncork()
      },
      handleRowDescription(message: { readonly fields: readonly pg.FieldDef[] }) {
        columns = message.fields.map((field) => ({
          name: field.name,
          type: field.dataTypeID,
          modifier: field.dataTypeModifier,
        }))
      },
      handleCommandComplete() {},
      handleReadyForQuery() {
        settled()
        resolve({ parameters, columns, refusal: undefined })
      },
      handleError(error: Error) {
        settled()
        if (!(error instanceof pg.DatabaseError)) return reject(error)
        const at = (['query', 'probe'] as const)[parsed] ?? 'start'
        resolve({ parameters, columns, refusal: { at, error } })
      },
      // pg sets one if it finds none.
      callback() {},
    }
    client.query(query)
  })
}
