import { readBehaviours } from './simulator-behaviours.ts'

/** The API of this simulator's own: what many APIs do, and no one in particular. */
export const HTTP_REST_BEHAVIOURS = readBehaviours(`
rest.insert | documented | RFC 9110, 15.3.2 and 15.5.10 | POST /v1/OBJECT makes a record (201) with an id of the service, or answers 409 where its key is there
rest.upsert | documented | RFC 9110, 9.3.4 | PUT /v1/OBJECT/KEY makes a record (201) or sets fields of it (200), and the same again changes nothing
rest.update | documented | RFC 5789, 2 | PATCH /v1/OBJECT/KEY sets fields, and answers 404 where there is no such record
rest.delete | documented | RFC 9110, 9.3.5 | DELETE /v1/OBJECT/KEY removes a record, and answers 404 where there is none
rest.by-id | assumed | - | PATCH and DELETE of /v1/OBJECT/ids/ID find a record by the id of the service, whatever its key becomes; the key of another record answers 409
rest.append | assumed | - | POST /v1/OBJECT/append makes a record each time
rest.search | assumed | - | GET /v1/OBJECT/search?FIELD=TEXT finds records whose key begins like that, new ones only after search_lag_ms
rest.values | documented | RFC 8259, 6 | every digit of a number is kept, as are null, true and false
rest.refused | documented | RFC 9110, 15.5.21 | a text that begins with !refuse answers 422 with a code and a message
rest.locked | documented | RFC 4918, 11.3 | a text that begins with !lock answers 423 the first time it is met for a key
rest.keys | assumed | - | keys says which fields are the key of a record; those of several make a list
page.ways | assumed | - | GET /v1/OBJECT gives pages by after, page and offset, with next, next_url and total in the body
page.link | documented | RFC 8288, 3 | and the next page in a Link header with rel next
batch.results | documented | RFC 4918, 11.1 | POST /v1/OBJECT/batch has a result for each record, with 207 where one failed
batch.ref | assumed | - | a result says index, key, and the ref that its record was sent with
batch.errors | assumed | - | ?reply=errors lists what went wrong and nothing else
batch.omit | assumed | - | ?omit=N says nothing of each Nth record, which was written all the same
batch.shuffle | assumed | - | with shuffle the results come in another order than the records
batch.set-on-insert | assumed | - | set_on_insert is written where the record is made, and never again
batch.bulk | assumed | - | POST /v1/OBJECT/bulk takes all records or none
batch.limits | documented | RFC 9110, 15.5.14 | more than max_records answers 400, more than max_bytes 413
batch.lines | documented | RFC 4180, 2 | POST /v1/OBJECT/lines reads CSV with a header line, and NDJSON
batch.form | documented | URL standard, 5.1 | POST /v1/OBJECT/form reads application/x-www-form-urlencoded
auth.bearer | documented | RFC 6750, 2.1 | a bearer token that is not the right one answers 401
auth.basic | documented | RFC 7617, 2 | name and password in base64, in UTF-8
auth.api-key | assumed | - | a key in a header or in the query
auth.oauth | documented | RFC 6749, 4.4 and 6 | tokens for client credentials and refresh tokens, which run out; a refresh token is good once
auth.oauth-client | documented | RFC 6749, 2.3.1 | the client and its secret stand in the form or in a header, encoded as forms are, and with client_auth in that place alone
auth.hmac | documented | RFC 2104 | HMAC-SHA-256 over time, method, path and body, with a time that is not too old
idempotency.replay | documented | draft-ietf-httpapi-idempotency-key-header-07, 2.6 | the first reply to an Idempotency-Key is given again for 24 hours
idempotency.mismatch | documented | draft-ietf-httpapi-idempotency-key-header-07, 2.7 | the same key with another body answers 422
limit.windows | documented | RFC 6585, 4 | beyond its limits it answers 429, and lists a violation
limit.retry-after | documented | RFC 9110, 10.2.3 | with Retry-After in seconds or as a date, with X-RateLimit-Reset, or with neither
odd.redirect | documented | RFC 9110, 15.4 | /redirect answers with a redirect to wherever ?to= says
odd.big | assumed | - | /big answers with as many bytes as ?bytes= says
fail.path | documented | RFC 9110, 15.5.5 and 15.5.6 | an unknown path answers 404, another method 405
fail.body | documented | RFC 9110, 15.5.1 | a body that is no JSON object answers 400
`)
