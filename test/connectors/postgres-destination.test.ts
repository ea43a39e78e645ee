import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { postgresDestination } from '../../src/connectors/postgres-destination.ts'
import type { Field, Operation } from '../../src/core/change.ts'
import type { Destination, ObjectRequest } from '../../src/core/destination.ts'
import { BatchRefusedError } from '../../src/core/errors.ts'
import type { SyncMode } from '../../src/core/sync-mode.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { changeBatch, field } from '../support/change-batch.ts'

let server: TestPostgres
let database: pg.Client

before(async () => {
  server = await startPostgres()
  database = new pg.Client(server.url)
  await database.connect()
})

after(async () => {
  await database.end()
  await server[Symbol.asyncDispose]()
})

const ID = field('id', 'integer')
const NAME = field('name')

interface Request {
  readonly fields?: readonly Field[]
  readonly match?: readonly string[]
  readonly mode?: SyncMode
  readonly create?: boolean
}

async function open(name: string, request: Request = {}): Promise<Destination> {
  const { fields = [ID, NAME], match = ['id'], mode = 'mirror', create = false } = request
  const object: ObjectRequest = {
    name,
    mode,
    fields,
    match,
    keyEncodings: match.map(() => 'integer' as const),
    create,
    deletesAs: 'delete',
  }
  return postgresDestination.open(postgresDestination.options.parse({ url: server.url }), object)
}

const never = new AbortController().signal

async function write(
  destination: Destination,
  operation: Operation,
  rows: readonly (readonly (string | null)[])[],
  fields: readonly Field[] = [ID, NAME],
) {
  const outcomes = await destination.write(changeBatch(operation, fields, rows), never)
  return outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.code : outcome.status))
}

async function rows(sql: string): Promise<unknown[]> {
  return (await database.query({ text: sql, rowMode: 'array' })).rows
}

/** A table of its own with three records, whose names are a, b and c. */
async function table(name: string, columns = 'id bigint PRIMARY KEY, name text'): Promise<string> {
  await database.query(`CREATE TABLE ${name} (${columns}); INSERT INTO ${name} VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
  return name
}

describe('the operations', () => {
  it('upsert creates and updates', async () => {
    await using destination = await open(await table('upserts'))
    const outcomes = await write(destination, 'upsert', [
      ['3', 'C'],
      ['4', 'd'],
      ['5', null],
    ])
    assert.deepEqual(outcomes, ['done', 'done', 'done'])
    const expected = [
      ['1', 'a'],
      ['2', 'b'],
      ['3', 'C'],
      ['4', 'd'],
      ['5', null],
    ]
    assert.deepEqual(await rows('SELECT * FROM upserts ORDER BY id'), expected)
  })

  it('upsert of an empty table and of the same batch again leaves one record each', async () => {
    await using destination = await open(await table('resends'))
    await database.query('TRUNCATE resends')
    for (const _ of [1, 2, 3]) {
      assert.deepEqual(
        await write(destination, 'upsert', [
          ['1', 'x'],
          ['2', 'y'],
        ]),
        ['done', 'done'],
      )
    }
    assert.deepEqual(await rows('SELECT * FROM resends ORDER BY id'), [
      ['1', 'x'],
      ['2', 'y'],
    ])
  })

  it('insert answers for each record whether it is there already, and leaves it alone', async () => {
    await using destination = await open(await table('inserts'), { mode: 'insert-only' })
    assert.deepEqual(await write(destination, 'insert', [['9', 'i']]), ['done'])
    assert.deepEqual(
      await write(destination, 'insert', [
        ['2', 'B'],
        ['8', 'h'],
        ['1', 'A'],
      ]),
      ['exists', 'done', 'exists'],
    )
    assert.deepEqual(
      await write(destination, 'insert', [
        ['7', 'g'],
        ['8', 'H'],
      ]),
      ['done', 'exists'],
    )
    const expected = [
      ['1', 'a'],
      ['2', 'b'],
      ['3', 'c'],
      ['7', 'g'],
      ['8', 'h'],
      ['9', 'i'],
    ]
    assert.deepEqual(await rows('SELECT * FROM inserts ORDER BY id'), expected)
  })

  it('update answers for each record whether it is there', async () => {
    await using destination = await open(await table('updates'), { mode: 'update-only' })
    const outcomes = await write(destination, 'update', [
      ['9', 'X'],
      ['2', 'B'],
      ['8', 'Y'],
      ['1', null],
    ])
    assert.deepEqual(outcomes, ['not_found', 'done', 'not_found', 'done'])
    assert.deepEqual(await rows('SELECT * FROM updates ORDER BY id'), [
      ['1', null],
      ['2', 'B'],
      ['3', 'c'],
    ])
  })

  it('delete is done whether or not the record was there', async () => {
    await using destination = await open(await table('deletes'), { mode: 'delete-only' })
    assert.deepEqual(await write(destination, 'delete', [['2'], ['9'], ['3']], [ID]), ['done', 'done', 'done'])
    assert.deepEqual(await rows('SELECT * FROM deletes'), [['1', 'a']])
  })

  it('finds records by a composite match, in any order of the index', async () => {
    await database.query(`CREATE TABLE orders (total int, tenant text, "order" int, UNIQUE ("order", tenant));
      INSERT INTO orders VALUES (1, 'eu', 1), (2, 'eu', 2), (3, 'us', 1)`)
    const fields = [field('tenant'), field('order', 'integer'), field('total', 'integer')]
    await using destination = await open('orders', { fields, match: ['tenant', 'order'] })
    assert.deepEqual(
      await write(
        destination,
        'upsert',
        [
          ['eu', '2', '22'],
          ['us', '2', '23'],
        ],
        fields,
      ),
      ['done', 'done'],
    )
    assert.deepEqual(
      await write(
        destination,
        'update',
        [
          ['eu', '1', '11'],
          ['x', '1', '0'],
        ],
        fields,
      ),
      ['done', 'not_found'],
    )
    assert.deepEqual(await write(destination, 'delete', [['us', '1']], fields.slice(0, 2)), ['done'])
    const expected = [
      ['eu', 1, 11],
      ['eu', 2, 22],
      ['us', 2, 23],
    ]
    assert.deepEqual(await rows('SELECT tenant, "order", total FROM orders ORDER BY 1, 2'), expected)
  })

  it('numbers the lines of large batches right', async () => {
    await using destination = await open(await table('many'), { mode: 'update-only' })
    await database.query(
      `TRUNCATE many; INSERT INTO many SELECT g, repeat('x', g % 100) FROM generate_series(0, 9999, 2) g`,
    )
    const changes = Array.from({ length: 10_000 }, (_, id) => [`${id}`, 'y'.repeat(id % 90)])
    const outcomes = await write(destination, 'update', changes)
    assert.ok(outcomes.every((outcome, id) => outcome === (id % 2 === 0 ? 'done' : 'not_found')))
    assert.deepEqual(await rows(`SELECT count(*)::int FROM many WHERE name = repeat('y', (id % 90)::int)`), [[5000]])
  })
})

describe('fields', () => {
  it('nulls: skip leaves the value of an existing record, and is null in a new one', async () => {
    const fields = [ID, field('name', 'text', { nulls: 'skip' })]
    await using destination = await open(await table('skips'), { fields })
    assert.deepEqual(
      await write(
        destination,
        'upsert',
        [
          ['1', null],
          ['2', 'B'],
          ['4', null],
        ],
        fields,
      ),
      ['done', 'done', 'done'],
    )
    assert.deepEqual(
      await write(
        destination,
        'update',
        [
          ['3', null],
          ['2', 'BB'],
        ],
        fields,
      ),
      ['done', 'done'],
    )
    assert.deepEqual(await rows('SELECT * FROM skips ORDER BY id'), [
      ['1', 'a'],
      ['2', 'BB'],
      ['3', 'c'],
      ['4', null],
    ])
  })

  it('on: insert writes new records only', async () => {
    const fields = [ID, NAME, field('stage', 'text', { on: 'insert' })]
    await using destination = await open(await table('stages', 'id int PRIMARY KEY, name text, stage text'), { fields })
    const changes = [
      ['1', 'A', 'new'],
      ['4', 'D', 'new'],
    ]
    assert.deepEqual(await write(destination, 'upsert', changes, fields), ['done', 'done'])
    assert.deepEqual(await write(destination, 'update', [['2', 'B', 'new']], fields), ['done'])
    const expected = [
      [1, 'A', null],
      [2, 'B', null],
      [3, 'c', null],
      [4, 'D', 'new'],
    ]
    assert.deepEqual(await rows('SELECT * FROM stages ORDER BY id'), expected)
  })

  it('nothing to set still says which records are there', async () => {
    await using destination = await open(await table('bare'), { fields: [ID] })
    assert.deepEqual(await write(destination, 'upsert', [['1'], ['4']], [ID]), ['done', 'done'])
    assert.deepEqual(await write(destination, 'update', [['1'], ['5']], [ID]), ['done', 'not_found'])
    assert.deepEqual(await rows('SELECT * FROM bare ORDER BY id'), [
      ['1', 'a'],
      ['2', 'b'],
      ['3', 'c'],
      ['4', null],
    ])
  })

  it('leaves columns alone that are not written', async () => {
    const columns = `id int PRIMARY KEY, name text, kept text DEFAULT 'default', doubled int GENERATED ALWAYS AS (id * 2) STORED`
    await using destination = await open(await table('partial', columns))
    await database.query(`UPDATE partial SET kept = 'mine'`)
    assert.deepEqual(
      await write(destination, 'upsert', [
        ['1', 'A'],
        ['4', 'd'],
      ]),
      ['done', 'done'],
    )
    const expected = [
      [1, 'A', 'mine', 2],
      [4, 'd', 'default', 8],
    ]
    assert.deepEqual(await rows('SELECT * FROM partial WHERE id IN (1, 4) ORDER BY id'), expected)
  })

  it('takes names with quotes, dots, blanks, letters of any script and reserved words', async () => {
    await database.query(`CREATE SCHEMA "Mixed ""Case"""; CREATE TABLE "Mixed ""Case"""."my.table; --" (
      "select" int PRIMARY KEY, "a.b ""c""" text, "größe 尺寸" text, line text, field_0 text, target text, staged text)`)
    const names = ['select', 'a.b "c"', 'größe 尺寸', 'line', 'field_0', 'target', 'staged']
    const fields = names.map((name) => field(name))
    await using destination = await open(`"Mixed ""Case"""."my.table; --"`, { fields, match: ['select'] })
    await destination.check()
    const values = ['b', 'c', 'd', 'e', 'f', 'g']
    assert.deepEqual(await write(destination, 'upsert', [['1', ...values]], fields), ['done'])
    assert.deepEqual(
      await write(
        destination,
        'upsert',
        [
          ['1', ...values],
          ['2', ...values],
        ],
        fields,
      ),
      ['done', 'done'],
    )
    assert.deepEqual(await write(destination, 'update', [['1', 'B', 'C', 'D', 'E', 'F', 'G']], fields), ['done'])
    assert.deepEqual(await write(destination, 'delete', [['2']], fields.slice(0, 1)), ['done'])
    assert.deepEqual(await rows(`TABLE "Mixed ""Case"""."my.table; --"`), [[1, 'B', 'C', 'D', 'E', 'F', 'G']])
  })
})

describe('refused batches', () => {
  const refused = (code: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof BatchRefusedError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }

  for (const operation of ['upsert', 'update', 'insert'] as const) {
    it(`a value that does not fit refuses the whole ${operation}, and names the column`, async () => {
      const name = await table(`misfits_${operation}`, 'id int PRIMARY KEY, name text, age int')
      const fields = [ID, NAME, field('age')]
      await using destination = await open(name, { fields })
      const batch = changeBatch(operation, fields, [
        ['1', 'X', '1'],
        ['4', 'd', 'old'],
        ['5', 'e', '2'],
      ])
      await assert.rejects(
        destination.write(batch, never),
        refused('22P02', /column "age".*invalid input syntax.*"old"/),
      )
      assert.deepEqual(await rows(`SELECT id, name FROM ${name} ORDER BY id`), [
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ])
      assert.deepEqual(await write(destination, 'upsert', [['4', 'd', '7']], fields), ['done'])
    })
  }

  it('another unique column, a check, a null, a missing parent, a too long text', async () => {
    await database.query('CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents VALUES (1)')
    const columns = `id int PRIMARY KEY, name text UNIQUE, age int CHECK (age > 0), code varchar(2), parent int REFERENCES parents,
      must text NOT NULL DEFAULT '', late int REFERENCES parents DEFERRABLE INITIALLY DEFERRED`
    await using destination = await open(await table('strict', columns), {
      fields: [ID, NAME, field('age'), field('code'), field('parent'), field('must'), field('late')],
    })
    const cases: readonly (readonly [string, string, string | null, string, RegExp])[] = [
      ['name', 'z', 'a', '23505', /strict_name_key/],
      ['age', '1', '0', '23514', /strict_age_check/],
      ['code', 'ab', 'abc', '22001', /column "code".*too long/],
      ['parent', '1', '2', '23503', /strict_parent_fkey/],
      ['must', 'z', null, '23502', /"must"/],
      ['late', '1', '2', '23503', /strict_late_fkey/],
    ]
    for (const [name, good, bad, code, message] of cases) {
      const fields = [ID, field(name)]
      for (const [operation, one, other] of [
        ['upsert', '3', '2'],
        ['update', '3', '2'],
        ['insert', '8', '9'],
      ] as const) {
        const batch = changeBatch(operation, fields, [
          [one, good],
          [other, bad],
        ])
        await assert.rejects(destination.write(batch, never), refused(code, message), `${operation} ${name}`)
      }
    }
    assert.deepEqual(await rows('SELECT id, name, age FROM strict ORDER BY id'), [
      [1, 'a', null],
      [2, 'b', null],
      [3, 'c', null],
    ])
  })

  it('an exception of a trigger, under whatever code it is raised', async () => {
    await using destination = await open(await table('raising'))
    await database.query(`CREATE FUNCTION raising() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.name = 'plain' THEN RAISE 'no %', NEW.name; END IF;
      IF NEW.name = 'coded' THEN RAISE 'no %', NEW.name USING ERRCODE = '42501'; END IF;
      RETURN NEW; END $$;
      CREATE TRIGGER raising AFTER INSERT OR UPDATE ON raising FOR EACH ROW EXECUTE FUNCTION raising()`)
    for (const [name, code] of [
      ['plain', 'P0001'],
      ['coded', '42501'],
    ] as const) {
      const batch = changeBatch(
        'upsert',
        [ID, NAME],
        [
          ['7', 'x'],
          ['8', name],
        ],
      )
      await assert.rejects(destination.write(batch, never), refused(code, /no (plain|coded)/))
    }
    assert.deepEqual(await rows('SELECT count(*)::int FROM raising'), [[3]])
  })

  it('two lines for one record', async () => {
    await database.query('CREATE TABLE rounding (id numeric(5,0) PRIMARY KEY, name text)')
    await using destination = await open('rounding', { mode: 'upsert' })
    const batch = changeBatch(
      'upsert',
      [ID, NAME],
      [
        ['1.1', 'x'],
        ['1.2', 'y'],
      ],
    )
    await assert.rejects(destination.write(batch, never), refused('21000', /second time/))
  })

  it('a row that row-level security does not let in', async () => {
    await database.query(`CREATE ROLE tenant LOGIN; CREATE TABLE guarded (id int PRIMARY KEY, name text);
      GRANT ALL ON guarded TO tenant; ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
      CREATE POLICY even ON guarded USING (id % 2 = 0)`)
    const options = postgresDestination.options.parse({ url: server.url.replace('postgres@', 'tenant@') })
    const object = {
      name: 'guarded',
      mode: 'mirror',
      fields: [ID, NAME],
      match: ['id'],
      keyEncodings: ['integer'],
      create: false,
      deletesAs: 'delete',
    } as const
    await using destination = await postgresDestination.open(options, object)
    await destination.check()
    const batch = changeBatch(
      'upsert',
      [ID, NAME],
      [
        ['2', 'x'],
        ['3', 'y'],
      ],
    )
    await assert.rejects(destination.write(batch, never), refused('42501', /row-level security/))
    assert.deepEqual(
      await write(destination, 'upsert', [
        ['2', 'x'],
        ['4', 'y'],
      ]),
      ['done', 'done'],
    )
    await database.query(`INSERT INTO guarded VALUES (5, 'hidden')`)
    assert.deepEqual(
      await write(destination, 'update', [
        ['5', 'x'],
        ['4', 'z'],
      ]),
      ['not_found', 'done'],
    )
  })
})

describe('tables that intervene', () => {
  it('a trigger that suppresses rows gets each of them rejected, and no other', async () => {
    await using destination = await open(await table('suppressed'))
    await database.query(`CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF coalesce(NEW.id, OLD.id) % 2 = 0 THEN RETURN NULL; END IF;
      RETURN coalesce(NEW, OLD); END $$;
      CREATE TRIGGER suppress BEFORE INSERT OR UPDATE OR DELETE ON suppressed FOR EACH ROW EXECUTE FUNCTION suppress()`)
    await using fresh = await open('suppressed')
    assert.deepEqual(
      await write(fresh, 'upsert', [
        ['1', 'A'],
        ['2', 'B'],
        ['6', 'F'],
        ['7', 'G'],
      ]),
      ['done', 'not_written', 'not_written', 'done'],
    )
    assert.deepEqual(
      await write(fresh, 'insert', [
        ['1', 'x'],
        ['2', 'x'],
        ['8', 'x'],
        ['9', 'I'],
      ]),
      ['exists', 'exists', 'not_written', 'done'],
    )
    assert.deepEqual(
      await write(fresh, 'update', [
        ['1', 'AA'],
        ['2', 'x'],
        ['8', 'x'],
      ]),
      ['done', 'not_written', 'not_found'],
    )
    assert.deepEqual(await write(fresh, 'delete', [['1'], ['2'], ['8']], [ID]), ['done', 'not_deleted', 'done'])
    const expected = [
      ['2', 'b'],
      ['3', 'c'],
      ['7', 'G'],
      ['9', 'I'],
    ]
    assert.deepEqual(await rows('SELECT * FROM suppressed ORDER BY id'), expected)
  })

  it('a trigger that came after the table was looked at does not go unnoticed', async () => {
    await using destination = await open(await table('later'))
    await database.query(`CREATE TRIGGER suppress BEFORE INSERT ON later FOR EACH ROW EXECUTE FUNCTION suppress()`)
    assert.deepEqual(
      await write(destination, 'upsert', [
        ['6', 'f'],
        ['7', 'g'],
      ]),
      ['not_written', 'done'],
    )
  })

  it('partitions, with rows that move from one to another', async () => {
    await database.query(`CREATE TABLE parted (id int, name text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
      CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (10) TO (20);
      INSERT INTO parted VALUES (1, 'a'), (11, 'k')`)
    await using destination = await open('parted')
    await destination.check()
    assert.deepEqual(
      await write(destination, 'upsert', [
        ['1', 'A'],
        ['12', 'l'],
        ['2', 'b'],
      ]),
      ['done', 'done', 'done'],
    )
    assert.deepEqual(
      await write(destination, 'update', [
        ['11', 'K'],
        ['3', 'x'],
      ]),
      ['done', 'not_found'],
    )
    assert.deepEqual(await write(destination, 'delete', [['12'], ['2']], [ID]), ['done', 'done'])
    assert.deepEqual(await rows('SELECT * FROM parted ORDER BY id'), [
      [1, 'A'],
      [11, 'K'],
    ])
    await assert.rejects(write(destination, 'upsert', [['99', 'x']]), { code: '23514' })
  })

  it('views that can be written, by themselves or by triggers', async () => {
    await table('below')
    await database.query('CREATE VIEW above AS SELECT id, name FROM below WHERE id < 3')
    await using destination = await open('above', { mode: 'update-only' })
    await destination.check()
    assert.deepEqual(
      await write(destination, 'update', [
        ['1', 'A'],
        ['3', 'C'],
      ]),
      ['done', 'not_found'],
    )
    await using deleting = await open('above', { mode: 'delete-only' })
    await deleting.check()
    assert.deepEqual(await write(deleting, 'delete', [['2'], ['3']], [ID]), ['done', 'done'])
    assert.deepEqual(await rows('SELECT * FROM below ORDER BY id'), [
      ['1', 'A'],
      ['3', 'c'],
    ])
  })
})

describe('keys that are equal without being the same', () => {
  it('a mirrored key is written as the model has it, and a delete spares the record of an equal key', async () => {
    await database.query(`CREATE SCHEMA extra; CREATE COLLATION extra.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE loose (email text COLLATE extra.nocase PRIMARY KEY, amount numeric UNIQUE);
      INSERT INTO loose VALUES ('bob@x', 1.0), ('eve@x', 2)`)
    const fields = [field('email'), field('amount')]
    await using destination = await open('loose', { fields, match: ['email'] })
    await destination.check()
    assert.deepEqual(await write(destination, 'upsert', [['Bob@x', '1.50']], fields), ['done'])
    assert.deepEqual(await rows('SELECT * FROM loose ORDER BY 1'), [
      ['Bob@x', '1.50'],
      ['eve@x', '2'],
    ])
    assert.deepEqual(await write(destination, 'delete', [['bob@x'], ['eve@x']], [fields[0] as Field]), ['done', 'done'])
    assert.deepEqual(await rows('SELECT * FROM loose ORDER BY 1'), [['Bob@x', '1.50']])
    assert.deepEqual(await write(destination, 'update', [['BOB@x', '3']], fields), ['done'])
    assert.deepEqual(await rows('SELECT * FROM loose ORDER BY 1'), [['BOB@x', '3']])
    const amount = [field('amount'), field('email')]
    await using byAmount = await open('loose', { fields: amount, match: ['amount'] })
    assert.deepEqual(
      await write(
        byAmount,
        'upsert',
        [
          ['3.00', 'bob@x'],
          ['4', 'ann@x'],
        ],
        amount,
      ),
      ['done', 'done'],
    )
    assert.deepEqual(await write(byAmount, 'delete', [['3'], ['4']], [amount[0] as Field]), ['done', 'done'])
    assert.deepEqual(await rows('SELECT * FROM loose ORDER BY 1'), [['bob@x', '3.00']])
  })

  it('finds records by an operator that the search path does not lead to', async () => {
    await database.query(`CREATE EXTENSION citext SCHEMA extra;
      CREATE TABLE people (email extra.citext PRIMARY KEY, name text); INSERT INTO people VALUES ('Bob@x', 'b')`)
    const fields = [field('email'), NAME]
    await using destination = await open('people', { fields, match: ['email'], mode: 'upsert' })
    assert.deepEqual(
      await write(
        destination,
        'update',
        [
          ['bob@x', 'B'],
          ['eve@x', 'E'],
        ],
        fields,
      ),
      ['done', 'not_found'],
    )
    assert.deepEqual(
      await write(
        destination,
        'upsert',
        [
          ['BOB@x', 'BB'],
          ['eve@x', 'E'],
        ],
        fields,
      ),
      ['done', 'done'],
    )
    assert.deepEqual(await rows('SELECT * FROM people ORDER BY 2'), [
      ['Bob@x', 'BB'],
      ['eve@x', 'E'],
    ])
    assert.deepEqual(await write(destination, 'delete', [['bob@X']], [fields[0] as Field]), ['done'])
    assert.deepEqual(await rows('TABLE people'), [['eve@x', 'E']])
  })

  it('a mirror stops at a key that the table prints otherwise than the model wrote it', async () => {
    await database.query(`CREATE TABLE identities (id uuid PRIMARY KEY, name text)`)
    const fields = [field('id'), NAME]
    const lower = '0a000000-0000-0000-0000-000000000001'
    await using destination = await open('identities', { fields })
    const [note] = await destination.check()
    assert.match(note ?? '', /id is text in the model and uuid in identities/)
    assert.deepEqual(await write(destination, 'upsert', [[lower, 'x']], fields), ['done'])
    await assert.rejects(write(destination, 'upsert', [[lower.toUpperCase(), 'y']], fields), {
      name: 'FatalError',
      code: 'key_changes_in_table',
      message: /"0A000000.*becomes "0a000000.*column "id"/,
    })
    await using upserting = await open('identities', { fields, mode: 'upsert' })
    assert.deepEqual(await write(upserting, 'upsert', [[lower.toUpperCase(), 'z']], fields), ['done'])
    assert.deepEqual(await rows('TABLE identities'), [[lower, 'z']])
  })
})
