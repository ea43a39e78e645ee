import { readBehaviours } from './simulator-behaviours.ts'

/** The rules that a record and its values meet, whichever way they come. */
export const SALESFORCE_ROW_BEHAVIOURS = readBehaviours(`
row.required | documented | SOAP API guide, status codes | REQUIRED_FIELD_MISSING with the fields, on create and where an update clears one
row.length | issue | CoderDojo/community-platform#762 | STRING_TOO_LONG "Label: data value too large: … (max length=N)"
row.picklist | issue | restforce/restforce#254 | INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST where the picklist is restricted; other picklists take anything
row.email | documented | SOAP API guide, status codes | INVALID_EMAIL_ADDRESS
row.number | documented | SOAP API guide, status codes | NUMBER_OUTSIDE_VALID_RANGE
row.boolean-null | assumed | - | a null for a checkbox answers INVALID_TYPE_ON_FIELD_IN_RECORD
row.dates | documented | REST API guide, date formats | a date is YYYY-MM-DD, a time has a zone and is stored in UTC to the second
row.trim | assumed | - | spaces around a text are not stored, and an empty text is null
row.lookup | documented | SOAP API guide, status codes | a lookup takes the id of a record that is there: else MALFORMED_ID or INVALID_CROSS_REFERENCE_KEY
row.lookup-external | documented | REST API guide, relationships | or {"Account": {"External_Id__c": …}}; one that is not found answers INVALID_FIELD
  "Foreign key external ID: … not found"
row.read-only | documented | SOAP API guide, status codes | a field that cannot be written answers INVALID_FIELD_FOR_INSERT_UPDATE
row.validation | documented | SOAP API guide, status codes | a validation rule answers FIELD_CUSTOM_VALIDATION_EXCEPTION with its own text
row.duplicate-rule | documented | REST API guide, Duplicate Rule Header | DUPLICATES_DETECTED, unless Sforce-Duplicate-Rule-Header: allowSave=true is sent
row.unique | live-test | salesforce.stackexchange.com/questions/197382 | DUPLICATE_VALUE "duplicate value found: … duplicates value on record with id: …", without fields
row.external-case | documented | Salesforce Help, external id fields | external ids that differ by case only are one, unless the field is case-sensitive
row.several | documented | SOAP API guide, status codes | DUPLICATE_EXTERNAL_ID where several records have the value of an upsert
row.missing-key | assumed | - | an upsert without a value to match by answers MISSING_ARGUMENT
row.locked | documented | SOAP API guide, status codes | UNABLE_TO_LOCK_ROW for single rows (row_lock_rate), which may be sent again
row.access | documented | SOAP API guide, status codes | INSUFFICIENT_ACCESS_OR_READONLY where the object may not be written
row.recycle-bin | documented | SOAP API guide, delete | a deleted record is in the recycle bin for 15 days: writing and deleting it answers ENTITY_IS_DELETED,
  and its external id is free
row.gone | assumed | - | a record that is gone for good, or never was, answers INVALID_CROSS_REFERENCE_KEY
`)
