import { readBehaviours } from './simulator-behaviours.ts'

/** Bulk API 2.0: the CSV that is put, and what becomes of its rows. */
export const SALESFORCE_CSV_BEHAVIOURS = readBehaviours(`
csv.empty | documented | Bulk API 2.0 guide, CSV | an empty cell leaves the field as it is, #N/A makes it null
csv.quotes | documented | Bulk API 2.0 guide, CSV | quoted cells hold line feeds, commas and doubled quotes
csv.line-ending | issue | public threads | LF or CRLF as the job says; the other one fails the job
csv.delimiter | documented | Bulk API 2.0 guide, create a job | the delimiters BACKQUOTE, CARET, COMMA, PIPE, SEMICOLON and TAB
csv.bom | assumed | - | a byte order mark is skipped
csv.header-order | documented | Bulk API 2.0 guide, CSV | columns come in any order
csv.header-unknown | issue | msrivastav13/node-sf-bulk2#17 | an unknown column fails the job before any row: "InvalidBatch : Field name not found : …"
csv.header-read-only | live-test | salesforcedictionary.com, bulk-api-invalid-csv | and so does a read-only one
csv.header-case | live-test | salesforcedictionary.com, bulk-api-invalid-csv | the case of a column's name counts
csv.header-id | issue | heroku/salesforce-bulk#101 | and so does a header without the Id of an update or the key of an upsert
csv.empty-id | code | jsforce 3 | an upsert by external id may have an Id column if it is empty
csv.delete-columns | documented | Bulk API 2.0 guide, create a job | a delete takes the column Id and no other
csv.ragged | assumed | - | a row with more or fewer cells than the header fails the job at its batch
csv.types | issue | public threads | a cell that its type cannot hold answers INVALID_FIELD "Failed to deserialize field at col N" for its row
csv.booleans | documented | Bulk API 2.0 guide, CSV | a checkbox takes true, yes, y, on, 1 and their opposites, in any case
csv.lookup | documented | Bulk API 2.0 guide, relationship fields | a lookup by external id is a column Account.External_Id__c, or Type:Relationship.Field where it may point to several objects
bulk.upsert-id | documented | Bulk API 2.0 guide, create a job | an upsert may go by Id: rows without one are created
bulk.duplicate | documented | Bulk API 2.0 guide | a key twice in one batch: all its copies answer DUPLICATE_VALUE
bulk.update | documented | Bulk API 2.0 guide | an update goes by Id, and says sf__Created false
bulk.delete | documented | Bulk API 2.0 guide | a delete puts records into the recycle bin
bulk.hard-delete | documented | Bulk API 2.0 guide | a hard delete needs a permission (hard_delete), and leaves nothing in the recycle bin
bulk.locks | documented | Bulk API guide, lock contention | rows that share a parent in batches processed at the same time may answer UNABLE_TO_LOCK_ROW (lock_rate)
`)
