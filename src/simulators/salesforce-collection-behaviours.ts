import { readBehaviours } from './simulator-behaviours.ts'

/** Records by sObject Collections, and one by one. */
export const SALESFORCE_COLLECTION_BEHAVIOURS = readBehaviours(`
collection.order | documented | REST API guide, sObject Collections | 200 with one result a record, in their order; good and bad stand side by side
collection.cap | documented | REST API guide, sObject Collections | 200 records a request; 201 answer 400 EXCEEDED_ID_LIMIT
collection.all-or-none | documented | REST API guide, sObject Collections | with allOrNone nothing is written, and the others answer
  ALL_OR_NONE_OPERATION_ROLLED_BACK
collection.update | documented | REST API guide, sObject Collections | an update goes by id, and may have records of several objects
collection.upsert | documented | REST API guide, sObject Collections | an upsert goes by an external id field and says created; a record with an Id is refused
collection.delete | documented | REST API guide, sObject Collections | a delete goes by ids in the URI, of any object
collection.malformed | documented | REST API guide, sObject Collections | no JSON, no records or no type answers 400
collection.types | documented | REST API guide, sObject Collections | an upsert of records of another object answers 400
collection.unknown-field | assumed | - | an unknown field answers 400 INVALID_FIELD for the whole request, and nothing is written
collection.json-type | issue | regican/Salesforce#2, restforce/restforce#897 | a JSON value that its type cannot hold (a date of another form, a text for a
  number) answers 400 JSON_PARSER_ERROR for the whole request
collection.duplicate | documented | SOAP API guide, upsert | an external id twice in one request: all its copies answer DUPLICATE_VALUE
collection.duplicate-id | assumed | - | an id twice in one update: all its copies answer DUPLICATE_VALUE
single.create | documented | REST API guide, sObject rows | POST answers 201 with the id, errors 400 in a list
single.upsert | documented | REST API guide, upsert | PATCH by an external id answers 201 where it creates, else 200 (204 below version 46)
single.several | documented | REST API guide, upsert | 300 with the URLs where several records have the value
single.update-only | documented | REST API guide, upsert | updateOnly=true answers 404 where there is no record
single.id-in-body | documented | REST API guide, upsert | the key or the Id in the body answers 400 INVALID_FIELD
single.read | documented | REST API guide, sObject rows | GET by id or external id answers the record, or the fields that are asked for
single.delete | documented | REST API guide, sObject rows | DELETE answers 204, then 404 ENTITY_IS_DELETED
single.not-key | issue | restforce/restforce#376 | a field that is no external id answers 404 "Provided external ID field does not exist"
single.suffix | live-test | public write-ups | an external id that ends in .inc answers 404
id.forms | documented | object reference, ID field type | ids have 15 characters, or 18 with a checksum by which their case can be restored; both are taken, 18 are given
`)
