import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BatchRefusedError } from '../../src/core/errors.ts'
import { field } from '../support/batch-field.ts'
import { batch, DestinationDatabase, ID, NAME, never, write } from '../support/destination-database.ts'

const database = DestinationDatabase.forThisFile()

const refused = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BatchRefusedError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

const UNTOUCHED = ['1 a', '2 b', '3 c']

describe('a batch is refused as a whole for', () => {
  for (const operation of ['upsert', 'update', 'insert'] as const) {
    it(`a value that does not fit the column, which is named (${operation})`, async () => {
      const name = await database.table(`misfits_${operation}`, 'id int PRIMARY KEY, name text, age int')
      const fields = [ID, NAME, field('age')]
      await using destination = await database.open(name, { fields })
      const bad = batch(operation, ['1 X 1', '4 d old', '5 e 2'], fields)
      await assert.rejects(destination.write(bad, never), refused('22P02', /column "age".*invalid input syntax.*"old"/))
      assert.deepEqual(await database.rows(`SELECT id, name FROM ${name} ORDER BY id`), UNTOUCHED)
      assert.deepEqual(await write(destination, 'upsert', ['4 d 7'], fields), ['done'])
    })
  }

  it('another unique column, a check, a null, a missing parent, a text that is too long', async () => {
    await database.run('CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents VALUES (1)')
    const columns = `id int PRIMARY KEY, name text UNIQUE, age int CHECK (age > 0), code varchar(2),
      parent int REFERENCES parents, must text NOT NULL DEFAULT '',
      late int REFERENCES parents DEFERRABLE INITIALLY DEFERRED`
    const name = await database.table('strict', columns)
    await using destination = await database.open(name)
    const cases = [
      ['name', 'z', 'a', '23505', /strict_name_key/],
      ['age', '1', '0', '23514', /strict_age_check/],
      ['code', 'ab', 'abc', '22001', /column "code".*too long/],
      ['parent', '1', '2', '23503', /strict_parent_fkey/],
      ['must', 'z', '-', '23502', /"must"/],
      ['late', '1', '2', '23503', /strict_late_fkey/],
    ] as const
    for (const [column, good, bad, code, message] of cases) {
      const fields = [ID, field(column)]
      for (const [operation, one, other] of [
        ['upsert', '3', '2'],
        ['update', '3', '2'],
        ['insert', '8', '9'],
      ] as const) {
        const changes = batch(operation, [`${one} ${good}`, `${other} ${bad}`], fields)
        await assert.rejects(destination.write(changes, never), refused(code, message), `${operation} ${column}`)
      }
    }
    assert.deepEqual(await database.rows('SELECT id, name FROM strict ORDER BY id'), UNTOUCHED)
  })

  it('a delete of a record that others refer to', async () => {
    await database.run(`CREATE TABLE owners (id int PRIMARY KEY); INSERT INTO owners VALUES (1), (2);
      CREATE TABLE owned (owner int REFERENCES owners); INSERT INTO owned VALUES (2)`)
    await using destination = await database.open('owners', { fields: [ID] })
    await assert.rejects(
      destination.write(batch('delete', ['1', '2'], [ID]), never),
      refused('23503', /owned_owner_fkey/),
    )
    assert.deepEqual(await database.rows('TABLE owners'), ['1', '2'])
  })

  it('an exception of a trigger, under whatever code it is raised', async () => {
    await using destination = await database.open(await database.table('raising'))
    await database.run(`CREATE FUNCTION raising() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.name = 'plain' THEN RAISE 'no %', NEW.name; END IF;
      IF NEW.name = 'coded' THEN RAISE 'no %', NEW.name USING ERRCODE = '42501'; END IF;
      RETURN NEW; END $$;
      CREATE TRIGGER raising AFTER INSERT OR UPDATE ON raising FOR EACH ROW EXECUTE FUNCTION raising()`)
    for (const [name, code] of [
      ['plain', 'P0001'],
      ['coded', '42501'],
    ] as const) {
      const changes = batch('upsert', ['7 x', `8 ${name}`])
      await assert.rejects(destination.write(changes, never), refused(code, /no (plain|coded)/))
    }
    assert.deepEqual(await database.rows('SELECT * FROM raising ORDER BY id'), UNTOUCHED)
  })

  it('two lines for one record', async () => {
    await database.run('CREATE TABLE rounding (id numeric(5,0) PRIMARY KEY, name text)')
    await using destination = await database.open('rounding', { mode: 'upsert' })
    await assert.rejects(destination.write(batch('upsert', ['1.1 x', '1.2 y']), never), refused('21000', /second time/))
  })

  it('a row that row-level security does not let in', async () => {
    await database.run(`CREATE ROLE tenant LOGIN; CREATE TABLE guarded (id int PRIMARY KEY, name text);
      GRANT ALL ON guarded TO tenant; ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
      CREATE POLICY even ON guarded USING (id % 2 = 0)`)
    await using destination = await database.open('guarded', { user: 'tenant' })
    assert.deepEqual(await destination.check(), [])
    await assert.rejects(
      destination.write(batch('upsert', ['2 x', '3 y']), never),
      refused('42501', /row-level security/),
    )
    assert.deepEqual(await write(destination, 'upsert', ['2 x', '4 y']), ['done', 'done'])
    await database.run(`INSERT INTO guarded VALUES (5, 'hidden')`)
    assert.deepEqual(await write(destination, 'update', ['5 x', '4 z']), ['not_found', 'done'])
  })
})

describe('tables that intervene', () => {
  it('each row that a trigger suppresses is rejected, and no other', async () => {
    await database.table('suppressed')
    await database.run(`CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF coalesce(NEW.id, OLD.id) % 2 = 0 THEN RETURN NULL; END IF;
      RETURN coalesce(NEW, OLD); END $$;
      CREATE TRIGGER suppress BEFORE INSERT OR UPDATE OR DELETE ON suppressed FOR EACH ROW EXECUTE FUNCTION suppress()`)
    await using destination = await database.open('suppressed')
    const upserted = await write(destination, 'upsert', ['1 A', '2 B', '6 F', '7 G'])
    assert.deepEqual(upserted, ['done', 'not_written', 'not_written', 'done'])
    const inserted = await write(destination, 'insert', ['1 x', '2 x', '8 x', '9 I'])
    assert.deepEqual(inserted, ['exists', 'exists', 'not_written', 'done'])
    const updated = await write(destination, 'update', ['1 AA', '2 x', '8 x'])
    assert.deepEqual(updated, ['done', 'not_written', 'not_found'])
    assert.deepEqual(await write(destination, 'upsert', ['2', '8', '7'], [ID]), ['done', 'not_written', 'done'])
    assert.deepEqual(await write(destination, 'delete', ['1', '2', '8'], [ID]), ['done', 'not_deleted', 'done'])
    assert.deepEqual(await database.rows('SELECT * FROM suppressed ORDER BY id'), ['2 b', '3 c', '7 G', '9 I'])
  })

  it('a trigger that came after the table was looked at does not go unnoticed', async () => {
    await using destination = await database.open(await database.table('later'))
    await database.run('CREATE TRIGGER suppress BEFORE INSERT ON later FOR EACH ROW EXECUTE FUNCTION suppress()')
    assert.deepEqual(await write(destination, 'upsert', ['6 f', '7 g']), ['not_written', 'done'])
  })

  it('partitions', async () => {
    await database.run(`CREATE TABLE parted (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
      CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
      CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (10) TO (20);
      INSERT INTO parted VALUES (1, 'a'), (11, 'k')`)
    await using destination = await database.open('parted')
    assert.deepEqual(await destination.check(), [])
    assert.deepEqual(await write(destination, 'upsert', ['1 A', '12 l', '2 b']), ['done', 'done', 'done'])
    assert.deepEqual(await write(destination, 'update', ['11 K', '3 x']), ['done', 'not_found'])
    assert.deepEqual(await write(destination, 'delete', ['12', '2'], [ID]), ['done', 'done'])
    assert.deepEqual(await database.rows('SELECT * FROM parted ORDER BY id'), ['1 A', '11 K'])
    await assert.rejects(destination.write(batch('upsert', ['99 x']), never), refused('23514', /no partition/))
  })

  it('views that can be written, by themselves or by triggers', async () => {
    await database.table('below')
    await database.run(`CREATE VIEW above AS SELECT id, name FROM below WHERE id < 3;
      CREATE VIEW summed AS SELECT id, max(name) AS name FROM below GROUP BY id;
      CREATE FUNCTION through() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE below SET name = NEW.name WHERE id = NEW.id; RETURN NEW; END $$;
      CREATE TRIGGER through INSTEAD OF UPDATE ON summed FOR EACH ROW EXECUTE FUNCTION through()`)
    await using updating = await database.open('above', { mode: 'update-only' })
    assert.deepEqual(await updating.check(), [])
    assert.deepEqual(await write(updating, 'update', ['1 A', '3 C']), ['done', 'not_found'])
    await using deleting = await database.open('above', { mode: 'delete-only' })
    assert.deepEqual(await deleting.check(), [])
    assert.deepEqual(await write(deleting, 'delete', ['2', '3'], [ID]), ['done', 'done'])
    await using through = await database.open('summed', { mode: 'update-only' })
    assert.deepEqual(await through.check(), [])
    assert.deepEqual(await write(through, 'update', ['3 CC', '4 D']), ['done', 'not_found'])
    assert.deepEqual(await database.rows('SELECT * FROM below ORDER BY id'), ['1 A', '3 CC'])
  })
})
