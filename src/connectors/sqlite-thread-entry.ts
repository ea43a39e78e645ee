import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { Field } from '../core/change.ts'
import { loadSqlite, type SqliteDatabase } from '../core/sqlite-driver.ts'
import { openConnection, openWriter, type WrittenTable } from './sqlite-connection.ts'
import { explained } from './sqlite-error.ts'
import { type Answer, type BatchMessage, packOutcomes, type ThreadMessage, tell } from './sqlite-thread-messages.ts'
import type { SqliteWriter } from './sqlite-writer.ts'

/**
 * What runs in the thread of a {@link WriterThread}: one connection, and one batch after the other. No await at the top:
 * the bundled command line is CommonJS.
 */

const port = parentPort as MessagePort
const table = workerData as WrittenTable

void loadSqlite().then((driver) => {
  let connection: SqliteDatabase | undefined
  let writer: SqliteWriter | undefined
  let fields: readonly Field[] = []

  const write = ({ operation, fields: named, count, buffer, bytes }: BatchMessage): Answer => {
    fields = named ?? fields
    try {
      const text = Buffer.from(buffer, 0, bytes)
      const outcomes = explained(table.path, () => {
        connection ??= openConnection(driver, table.path)
        writer ??= openWriter(connection, table)
        return writer.write({ operation, fields, count, text })
      })
      return { buffer, outcomes: packOutcomes(outcomes) }
    } catch (error) {
      return { buffer, error: tell(error) }
    }
  }

  port.on('message', (message: ThreadMessage) => {
    if (message === 'close') {
      connection?.close()
      port.close()
    } else port.postMessage(write(message), [message.buffer])
  })
})
