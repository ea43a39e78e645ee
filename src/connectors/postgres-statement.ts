import type pg from 'pg'

/** What the server says about a statement without running it. */
export interface StatementDescription {
  /** Type of each parameter, as oid. */
  readonly parameters: readonly number[]
  /** Undefined where the statement returns no rows. */
  readonly columns: readonly StatementColumn[] | undefined
}

export interface StatementColumn {
  readonly name: string
  /** Oid of the type; that of the base type where the column's type is a domain. */
  readonly type: number
  /** Precision, length and the like, as stored in the catalogue; -1 for none. */
  readonly modifier: number
}

/**
 * Has the server parse and describe a statement (Parse, Describe, Sync of the extended protocol). Nothing is run. Two
 * statements at once are an error in this protocol. Rejects with the server's error.
 */
export async function describeStatement(client: pg.Client, text: string): Promise<StatementDescription> {
  return new Promise((resolve, reject) => {
    let parameters: readonly number[] = []
    let columns: StatementColumn[] | undefined
    let connection: pg.Connection | undefined
    const onParameters = (message: { readonly dataTypeIDs: readonly number[] }) => {
      parameters = message.dataTypeIDs
    }
    const settled = () => connection?.removeListener('parameterDescription', onParameters)
    const query = {
      submit(opened: pg.Connection) {
        connection = opened
        connection.once('parameterDescription', onParameters)
        connection.parse({ name: '', text, types: [] }, true)
        connection.describe({ type: 'S', name: '' }, true)
        connection.sync()
      },
      handleRowDescription(message: { readonly fields: readonly pg.FieldDef[] }) {
        columns = message.fields.map((field) => ({
          name: field.name,
          type: field.dataTypeID,
          modifier: field.dataTypeModifier,
        }))
      },
      handleReadyForQuery() {
        settled()
        resolve({ parameters, columns })
      },
      handleError(error: Error) {
        settled()
        reject(error)
      },
      // pg sets one if it finds none.
      callback() {},
    }
    client.query(query)
  })
}
