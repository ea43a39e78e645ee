import type { Client } from 'pg'

/** The model side of the demo: a table of contacts in Postgres, and what happens to it. */

export const CONTACTS = 50_000

/** How many rows each statement of {@link changeContacts} is meant to touch. */
export const CHANGES = { updated: 300, inserted: 120, deleted: 45 } as const

export const CREATE_CONTACTS = `
  CREATE TABLE contacts (
    id bigint PRIMARY KEY,
    email text NOT NULL,
    first_name text NOT NULL,
    company text,
    plan text NOT NULL,
    lifetime_value numeric(12, 2) NOT NULL,
    consent boolean NOT NULL,
    signed_up_at timestamptz NOT NULL
  )`

/** The same contacts every time: an id decides everything else. */
const INSERT_CONTACTS = `
  INSERT INTO contacts
  SELECT i,
    'contact.' || i || '@example.com',
    (ARRAY['Ada', 'Zoë', 'Łukasz', '美咲', 'Ngozi', 'Siobhán', 'D''Arcy', 'Pia-Marie'])[1 + i % 8],
    CASE WHEN i % 5 > 0 THEN (ARRAY['Analytical, Ltd.', 'Tab	& Sons', 'C:\\Works', 'Quote "Q"'])[1 + i % 4] END,
    (ARRAY['free', 'team', 'business'])[1 + i % 3],
    (i * 7919 % 10000000) / 100.0,
    i % 7 > 0,
    timestamptz '2020-01-01 00:00:00Z' + i * interval '1 hour 1.234567 seconds'
  FROM generate_series($1::bigint, $2::bigint) AS i`

/** A fixed shuffle, so that changes are scattered over the table. */
const SHUFFLED = 'SELECT id FROM contacts ORDER BY md5(id::text)'

/** Creates the table and answers how many rows it has. */
export async function seedContacts(client: Client): Promise<number> {
  await client.query(CREATE_CONTACTS)
  const { rowCount } = await client.query(INSERT_CONTACTS, [1, CONTACTS])
  await client.query('ANALYZE contacts')
  return rowCount ?? 0
}

/** Changes some rows and answers how many, as Postgres counted them. */
export async function changeContacts(client: Client): Promise<Record<keyof typeof CHANGES, number>> {
  const updated = await client.query(
    `UPDATE contacts SET plan = 'enterprise', lifetime_value = lifetime_value + 99.5
     WHERE id IN (${SHUFFLED} LIMIT ${CHANGES.updated})`,
  )
  const deleted = await client.query(
    `DELETE FROM contacts WHERE id IN (${SHUFFLED} OFFSET ${CHANGES.updated} LIMIT ${CHANGES.deleted})`,
  )
  const inserted = await client.query(INSERT_CONTACTS, [CONTACTS + 1, CONTACTS + CHANGES.inserted])
  return { updated: updated.rowCount ?? 0, inserted: inserted.rowCount ?? 0, deleted: deleted.rowCount ?? 0 }
}

/** What a load that went wrong leaves behind: the table is there and has no rows. */
export async function emptyContacts(client: Client): Promise<void> {
  await client.query(`ALTER TABLE contacts RENAME TO contacts_aside; ${CREATE_CONTACTS.replace(' PRIMARY KEY', '')}`)
}

/** Undoes {@link emptyContacts}. */
export async function restoreContacts(client: Client): Promise<void> {
  await client.query('DROP TABLE contacts; ALTER TABLE contacts_aside RENAME TO contacts')
}
