import { readBehaviours } from './simulator-behaviours.ts'

/** Values of properties. */
export const HUBSPOT_VALUE_BEHAVIOURS = readBehaviours(`
value.text | specified | OpenAPI files | every value is stored and answered as a text, numbers and booleans of JSON too
value.clear | documented | objects API | '' clears a property, and so does null
value.unknown-property | issue | threads | a property that does not exist is PROPERTY_DOESNT_EXIST
value.unknown-property-traced | assumed | - | with trace ids that is an error of its input alone
value.read-only | live-test | third-party fakes | read-only and calculated properties are READ_ONLY_VALUE
value.option | issue | gregorspan/csc-frodx#21 | what is no internal value of an enumeration, its label too, is INVALID_OPTION
value.options | documented | properties API | several options are separated by ; and each has to exist
value.options-append | assumed | - | a leading ; adds to the options that are set
value.external-options | issue | botpress/botpress#15354 | where options are external any value is taken
value.number | live-test | third-party fakes | a number with a separator or a unit is INVALID_FLOAT
value.bool | assumed | - | a boolean is true or false, in lower case; anything else is INVALID_OPTION
value.date | documented | properties API | a date is YYYY-MM-DD or midnight UTC in milliseconds; another time or a day that does not exist is INVALID_DATE
value.datetime | documented | properties API | a time is ISO 8601 with its zone or milliseconds, and is answered in UTC
value.email | issue | Atlas-Authority/marketing-automation#174 | an e-mail address that is none is INVALID_EMAIL
value.spaces | issue | PipedreamHQ/pipedream#14856 | spaces around a value that is not a text are refused
value.long-text | assumed | - | a text of more than 65,536 characters is refused
value.lifecycle | documented | lifecycle stages | lifecyclestage only moves forward: an earlier stage is accepted and changes nothing, until it is cleared
value.unique | assumed | properties API for the rule alone | a value of a unique property that another record has is refused with 409, code CONFLICTING_UNIQUE_VALUE
value.message | issue | gregorspan/csc-frodx#21 | the message of a refusal holds the list of what is wrong as JSON, with the property and a code
version.required | documented | changelog crm-api-write-validation-enforcement | 2026-09 alone refuses a new record without what an administrator requires
version.required-when | documented | changelog crm-api-write-validation-enforcement | 2026-09 alone refuses a record without what another value makes required
version.rules | assumed | property validations API for the rules alone | 2026-09 alone refuses a value against the rules of its property
`)
