import pg from 'pg'

/** `psql --csv --command SQL URL`, for machines without psql. */
const [sql = '', url = ''] = process.argv.slice(-2)
const client = new pg.Client(url)
await client.connect()
const types = { getTypeParser: () => (text: string) => text }
const { fields, rows } = await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types })
const cell = (value: string | null) => {
  if (value === null) return ''
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
for (const row of [fields.map(({ name }) => name), ...rows]) process.stdout.write(`${row.map(cell).join()}\n`)
await client.end()
