// Reads two CSV files and counts how they differ: node duckdb.mjs FOLDER MODEL.csv DESTINATION.csv, with @duckdb/node-api in FOLDER.
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [folder, model, destination] = process.argv.slice(2)
const { DuckDBInstance } = createRequire(join(folder, 'package.json'))('@duckdb/node-api')
const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
const rows = (file) => `(SELECT id, file AS line FROM read_csv('${file}', all_varchar = true, header = true) AS file)`
const answer = await connection.runAndReadAll(`
  SELECT count(*) FILTER (destination.id IS NULL) AS inserted, count(*) FILTER (model.id IS NULL) AS deleted,
         count(*) FILTER (model.id = destination.id) AS updated
  FROM ${rows(model)} AS model FULL JOIN ${rows(destination)} AS destination USING (id)
  WHERE model.line IS DISTINCT FROM destination.line`)
const [{ inserted, updated, deleted }] = answer.getRowObjects()
console.log(JSON.stringify([inserted, updated, deleted].map(Number)))
