import { readBehaviours } from './simulator-behaviours.ts'

/** Batches, single records, e-mail addresses, archiving and merging. */
export const HUBSPOT_WRITE_BEHAVIOURS = readBehaviours(`
batch.paths | specified | OpenAPI files | the batch calls answer below /crm/v3/objects and below /crm/objects with
  2026-03 or 2026-09, for the plural, the singular, the type id and the full name of an object
batch.cap | documented | batch endpoints | more than 100 inputs are refused with status 400
batch.create | specified | OpenAPI files | create answers 201, with the values as stored, hs_object_id, createdAt and updatedAt
batch.upsert | specified | OpenAPI files | upsert answers 200, creates or updates, and says which with new
batch.update | specified | OpenAPI files | update answers 200 and changes only what was sent
batch.order | live-test | third-party write-ups | results come in another order than the inputs (drawn by the seed)
batch.trace-ids | documented | batch create (for upsert: live tests, Airbyte, ingestr) | with trace ids a bad input is an error in a
  reply of status 207, under context.objectWriteTraceId, and the others are written; results carry their trace ids
batch.no-trace-ids | live-test | third-party write-ups | one bad input without a trace id refuses the batch with 400, and nothing is written
batch.duplicates | issue | segmentio/action-destinations#3969 | the same id twice refuses the batch with 400 and context.ids, trace ids or not
batch.duplicate-emails | assumed | - | ids that are e-mail addresses are the same without regard to case and to spaces around them
batch.id-property | code | ingestr | an id property that is not unique refuses the batch with 400, trace ids or not
batch.upsert-needs-property | assumed | - | an upsert without an id property refuses the batch with 400
batch.record-id | code | ingestr | without an id property an update is by record id, and hs_object_id as id property is refused
batch.unknown-id | live-test | third-party write-ups | updates of ids that do not exist are one OBJECT_NOT_FOUND with context.ids in a
  reply of status 207, trace ids or not
batch.unknown-id-blank | code | published clients | with blank_missing_ids that error does not name the ids
batch.malformed | issue | HubSpot/hubspot-api-nodejs#10 | no JSON, no inputs, or a value that is an object or a list refuse the batch with 400
batch.conflict | issue | HubSpot/hubspot-api-python#51 | creating a contact that exists refuses the batch with 409 and names the first existing id
batch.conflict-traced | specified | OpenAPI files, and a live test | with trace ids that is CONFLICT with context.existingId in a reply of status 207
batch.conflict-whole | issue | airbytehq/airbyte#76340 | with whole_batch_conflicts a conflict refuses the batch with 409 although all have trace ids
batch.conflict-inside | assumed | - | of two inputs of a batch that claim the same unique value the first wins
batch.read | specified | OpenAPI files | read answers the properties that were asked for, null where they are not set
batch.read-missing | specified | OpenAPI files | read answers 207 with OBJECT_NOT_FOUND and context.ids for those that are missing
batch.read-none | code | ingestr | read answers 404 where none is found
batch.read-history | issue | PipedreamHQ/pipedream#8462 | with propertiesWithHistory only 50 inputs are read
batch.archive | specified | OpenAPI files | archive answers 204 and takes record ids alone
batch.archive-unknown | assumed | - | it answers 204 for ids that do not exist as well, as archiving one record does
record.single | specified | OpenAPI files | records are created (201), read, changed (200) and archived (204) one by one, by id or ?idProperty=
record.single-missing | documented | objects API | reading or changing a record that does not exist answers 404
record.single-delete | issue | n8n-io/n8n#3219 | archiving a record that does not exist answers 204
record.single-conflict | issue | HubSpot/hubspot-api-nodejs#545 | creating a contact that exists answers 409, with the id in the message
record.list | specified | OpenAPI files | records are listed in pages of at most 100, followed by paging.next.after
record.list-lag | assumed | - | lists know a change only after list_lag_ms
record.archived | documented | objects API | archived records are listed and read with archived=true, for 90 days
record.archived-unique | assumed | - | the unique values of an archived record are free for others
record.merge | documented | merge API | a merged contact is found by the addresses of both
record.merged-id | assumed | - | the id of a contact that was merged into another finds that one, in every call
record.unknown-object | assumed | - | an object that does not exist answers 400
record.custom-object | specified | OpenAPI files | a custom object is found by 2-<n>, by p<portal>_<name> and by its name
record.required | documented | schemas API | a record without what the schema of its custom object requires is refused, by every version
email.lower-case | live-test | third-party write-ups | e-mail addresses are stored in lower case, without spaces around them
email.secondary | documented | contacts API | hs_additional_emails finds a contact as its primary address does
email.collision | documented | contacts API | two inputs of an upsert that name one contact by two addresses answer the same record id twice
email.swap | assumed | - | a primary address that was another one of the contact changes places with it
`)
