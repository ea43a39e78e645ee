import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

/**
 * Every bad input that was thought of, and where it is tried: a file, and a text of it that is the name of the test or of
 * the line of its table. HTTP has no destination yet, and so no entries.
 */
const LIST: Readonly<Record<string, Readonly<Record<string, readonly [file: string, text: string]>>>> = {
  keys: {
    null: ['sync/bad-keys', 'null and absent'],
    'empty string': ['sync/bad-keys', 'empty, in CSV without and with quotes'],
    whitespace: ['sync/bad-keys', 'empty and blank'],
    'duplicate, adjacent': ['sync/bad-keys', 'twice, next to one another'],
    'duplicate, distant': ['sync/bad-keys', 'twice, far apart'],
    'composite with the separator inside': ['sync/bad-keys', 'parts with a separator in them'],
    '1 and "1"': ['sync/bad-keys', '1 and "1", which are one text'],
    '1 and 1.0': ['sync/bad-keys', '1, "1" and 1.0 as integers'],
    'true and "true"': ['sync/bad-keys', 'true and "true"'],
    '-0': ['sync/bad-keys', '0 and -0'],
    '-0 in a column of integers': ['connectors/sqlite-values', 'rejects an integer as key that would read back'],
    NaN: ['sync/bad-keys', 'NaN, which JSON has not'],
    '1e400': ['sync/bad-keys', '1e400 as an integer'],
    '2^53+1': ['sync/bad-keys', '2^53 and 2^53+1'],
    '2^63-1': ['sync/bad-keys', '2^63-1, its neighbour, and the least'],
    '2^64': ['sync/bad-keys', '2^64 and 40 digits'],
    'numeric of 40 digits': ['sync/bad-keys', '2^64 and 40 digits'],
    '1.10 and 1.1': ['sync/bad-keys', '1.10 and 1.1 as texts'],
    'uuid in upper and lower case': ['sync/bad-keys', 'a uuid in both cases, as uuids'],
    'uuid in upper case for a column of uuids': [
      'connectors/postgres-destination-keys',
      'prints otherwise than the model',
    ],
    'NFC and NFD': ['sync/bad-keys', 'NFC and NFD'],
    'lone surrogate': ['sync/bad-keys', 'half of a surrogate pair'],
    'U+0000': ['sync/bad-keys', 'U+0000'],
    '1 MB': ['sync/bad-keys', '1 MB'],
    'another type than the run before': ['sync/bad-keys', 'a key that has another type than before'],
    'column missing or renamed': ['sync/bad-keys', 'no column of that name'],
    'two columns of the name': ['sync/bad-keys', 'two columns of that name'],
    'every type that Postgres can sort': ['sync/key-types', 'records are found again by keys of type'],
  },
  values: {
    'NaN and Infinity': ['sync/types', "'NaN', 'Infinity'"],
    'timestamps infinity, BC, year 294276': ['sync/types', '294276-12-31'],
    'DST gap': ['sync/bad-values', 'an hour that daylight saving leaves out'],
    interval: ['sync/types', 'interval'],
    bytea: ['sync/bad-values', 'a bytea with each byte'],
    'array with NULL': ['sync/bad-values', 'an array with NULL'],
    'JSON 20,000 deep': ['sync/bad-values', 'JSON of any depth'],
    'JSON 1,000,000 deep': ['connectors/ndjson', 'depth costs no stack'],
    'order of JSON names': ['sync/bad-values', 'the order of members is no change'],
    'duplicate JSON names': ['connectors/ndjson', 'a name twice, once escaped'],
    'duplicate JSON names within a value': ['sync/bad-values', 'a name twice within a value'],
    'field of 16 MiB': ['security/limits', 'a field of nearly 16 MiB'],
    '1,600 columns': ['security/limits', '1,600 columns'],
    'invalid UTF-8': ['connectors/csv', 'Latin-1'],
    'emoji across a chunk border': ['connectors/csv', 'however it is cut into chunks'],
    CRLF: ['sync/bad-values', 'CR, LF and both'],
    'RTL marks': ['sync/bad-values', 'marks that turn the direction'],
    'digits without end before a letter': ['security/slow-values', 'takes time in proportion to its length'],
  },
  files: {
    'CSV with BOM': ['connectors/csv', 'a byte order mark and nothing else'],
    'CSV with CRLF': ['connectors/csv', 'however it is cut into chunks'],
    'CSV with lone CR': ['connectors/csv', 'line ends of old'],
    'CSV with newlines and quotes in fields': ['connectors/csv', 'what psql --csv writes is read'],
    'CSV with an unclosed quote': ['connectors/csv', 'a quote that is never closed'],
    'CSV with ragged rows': ['connectors/csv', 'a ragged row is an invalid row'],
    'CSV without a final newline': ['connectors/csv', 'a last line without its end'],
    'CSV with ;': ['cli/wrong-input-files', "'semicolons'"],
    'CSV of 0 bytes': ['connectors/csv', "'no bytes'"],
    'CSV with only a header': ['connectors/csv', 'only a header'],
    'CSV in UTF-16': ['connectors/csv', 'UTF-16 without a mark'],
    'formulas in CSV that is written': ['connectors/file-destination', 'writes formulas as texts where it is asked to'],
    'NDJSON with a truncated last line': ['connectors/ndjson', 'a last line that is cut off'],
    'NDJSON with blank lines': ['connectors/ndjson', 'blank lines only'],
    'NDJSON that is one array': ['connectors/ndjson', 'one JSON list'],
    'a line of 100 MB': ['security/limits', 'a line of 100 MB'],
    'a long line before short ones': ['connectors/ndjson', 'lines behind a long one are lines'],
    'concatenated objects': ['connectors/ndjson', 'two objects on a line'],
    'cut off after any byte': ['sync/row-sources', 'a file that is cut off after any byte'],
  },
  configuration: {
    'alias bomb': ['config/problems', 'aliases that multiply'],
    '__proto__ and constructor as names': ['config/problems', 'the name __proto__'],
    '__proto__ and constructor as columns and in mappings': ['security/names', "'__proto__'"],
    '__proto__ and constructor in the environment': ['config/environment', '__proto__'],
    'unknown keys': ['config/problems', 'an unknown key'],
    'duplicate keys': ['config/problems', 'keys that are there twice'],
    'Norway, yes and no': ['config/problems', 'create as a word'],
    tabs: ['config/problems', "'a tab'"],
    'a file with ../': ['config/model-file', 'a model must stay below the folder'],
    'a symlink out of the folder': ['config/model-file', 'symlinkSync'],
    'a sync named with / or ..': ['config/problems', 'a name that would be the path of another file'],
    'a variable that is not set': ['config/problems', 'an unset variable'],
    'references within references': ['config/problems', 'texts that would keep a pattern busy'],
    'huge numbers': ['config/problems', 'a number that would be rounded'],
    'a negative batch': ['config/problems', 'a negative batch'],
    'a pattern that backtracks': ['config/problems', 'texts that would keep a pattern busy'],
  },
  SQL: {
    'a model that ends in --': ['connectors/postgres-source', 'takes a model that ends in a semicolon'],
    'a model with ;': ['connectors/postgres-sql-text', 'Everything in which a colon, a dollar or a semicolon'],
    'two statements': ['sync/bad-input', 'two statements'],
    'DELETE … RETURNING': ['sync/bad-input', 'a model that writes'],
    'functions that write': ['connectors/postgres-model-errors', 'writes as it runs'],
    'volatile functions': ['sync/bad-values', 'functions that answer anew'],
    $1: ['connectors/postgres-model-errors', 'select 1 as id where $1'],
    'identifiers with quotes, dots, Unicode, reserved words': ['security/names', 'columns of any name arrive'],
    'identifiers of 63 and more bytes': ['connectors/postgres-sql-text', 'refuses a name that the server would cut'],
    'a table named x"; drop table y;--': ['security/names', 'x"; drop table model;--'],
  },
}

for (const [group, entries] of Object.entries(LIST)) {
  test(`every bad input of ${group} is tried where the list says`, (t) => {
    for (const [entry, [file, text]] of Object.entries(entries)) {
      const source = readFileSync(new URL(`../${file}.test.ts`, import.meta.url), 'utf8')
      assert.ok(source.includes(text), `${entry}: test/${file}.test.ts has no "${text}"`)
    }
    t.diagnostic(`${Object.keys(entries).length} of ${group}`)
  })
}
