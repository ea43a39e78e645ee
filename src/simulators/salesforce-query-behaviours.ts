import { readBehaviours } from './simulator-behaviours.ts'

/** Queries of the REST API. */
export const SALESFORCE_QUERY_BEHAVIOURS = readBehaviours(`
query.where | documented | SOQL reference | =, !=, <, >, IN, LIKE, AND, OR and NOT; texts are compared without their case
query.order | documented | SOQL reference | ORDER BY, LIMIT and OFFSET; nulls come first
query.parent | documented | SOQL reference | a field of a parent is reached through its relationship
query.count | documented | SOQL reference | COUNT() answers totalSize alone
query.paging | documented | REST API guide, query | at most 2,000 records a page (Sforce-Query-Options: batchSize, 200 or more), then nextRecordsUrl
query.deleted | documented | REST API guide, queryAll | deleted records are found by queryAll alone
query.organization | documented | Object Reference, Organization | Organization has one record, the org that the token is of
query.hidden | issue | jsforce/jsforce#423 | Organization answers 400 INVALID_TYPE to a user who may not read it (fault object-hidden)
query.malformed | documented | SOQL reference | what is not understood answers 400 MALFORMED_QUERY, an unknown field 400 INVALID_FIELD
query.locator | documented | REST API guide, query | a locator that is not known answers 400 INVALID_QUERY_LOCATOR
`)
