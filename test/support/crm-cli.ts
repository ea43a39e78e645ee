import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import type { CrmRow } from './crm-oracle.ts'
import type { CrmTarget } from './crm-target.ts'
import type { TemporaryFolder } from './temporary-folder.ts'

/** Writes the model `people` of `id`, `email`, `name` into an SQLite file, in the place of what was in it. */
export async function writeModel(file: string, rows: Iterable<CrmRow>): Promise<void> {
  const driver = await loadSqlite()
  const database = new driver(file)
  database.exec(
    'CREATE TABLE IF NOT EXISTS people (id INTEGER PRIMARY KEY, email TEXT, name TEXT); BEGIN; DELETE FROM people',
  )
  const insert = database.prepare('INSERT INTO people VALUES (?, ?, ?)')
  for (const { id, email, name } of rows) insert.run(Number(id), email, name)
  database.exec('COMMIT')
  database.close()
}

/** A configuration for the command line: `people` of `model.db` in the folder, to the simulator. */
export function writeConfig(
  folder: TemporaryFolder,
  { sync: own, connection }: Pick<CrmTarget, 'sync' | 'connection'>,
  more: { readonly sync?: object; readonly connection?: object } = {},
): void {
  const config = {
    version: 1,
    state: './state',
    connections: { from: 'sqlite:./model.db', crm: connection(more.connection) },
    syncs: {
      people: {
        source: { connection: 'from', table: 'people' },
        key: own.key,
        mode: 'mirror',
        destination: { connection: 'crm', object: own.object, match: own.match },
        fields: own.fields,
        guards: { max_deletes: '100%' },
        ...more.sync,
      },
    },
  }
  // JSON is YAML, too.
  writeFileSync(folder.file('rowferry.yaml'), JSON.stringify(config))
}

/** A way to a server that stops in the middle of an upload. */
export interface StallingWay extends AsyncDisposable {
  readonly url: string
  /** Resolves when an upload has got stuck. */
  readonly stuck: Promise<void>
}

/** Hands on everything to the server at `url`, but of the first PUT only so many bytes. */
export async function stallUploads(url: string, bytes: number): Promise<StallingWay> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  let found = false
  let tellStuck = () => {}
  const stuck = new Promise<void>((resolve) => {
    tellStuck = resolve
  })
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    let left: number | undefined
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    client.on('data', (chunk: Buffer) => {
      if (!found && chunk.subarray(0, 4).toString() === 'PUT ') {
        found = true
        left = bytes
      }
      if (left === undefined) return void upstream.write(chunk)
      upstream.write(chunk.subarray(0, left))
      left = Math.max(0, left - chunk.length)
      if (left === 0) tellStuck()
    })
    upstream.on('data', (chunk: Buffer) => client.write(chunk))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stuck,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
