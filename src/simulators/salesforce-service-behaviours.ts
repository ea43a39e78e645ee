import { readBehaviours } from './simulator-behaviours.ts'

/** Credentials, limits, metadata and failures. */
export const SALESFORCE_SERVICE_BEHAVIOURS = readBehaviours(`
auth.client-credentials | documented | OAuth client credentials flow | client id and secret, in the form or as Basic, get an access token
  with instance_url, id and issued_at, and without expires_in
auth.wrong-client | issue | public threads | an unknown client answers 400 invalid_client_id, a wrong secret 400 invalid_client
auth.jwt | documented | OAuth JWT bearer flow | an assertion signed with RS256 by the client's key gets a token; the signature is
  checked for real
auth.jwt-refused | documented | OAuth JWT bearer flow | a wrong key, an aud that is no login host ("audience is invalid"), an exp that is
  past or more than 3 minutes ahead, or another user answers 400 invalid_grant
auth.refresh | documented | OAuth refresh token flow | a refresh token gets an access token; one that is not known answers 400
  invalid_grant "expired access/refresh token"
auth.grant | documented | OAuth | any other grant answers 400 unsupported_grant_type
auth.none | documented | REST API guide, status codes | no token, or one that is not known, answers 401 INVALID_SESSION_ID in a list of one
auth.expired | documented | REST API guide, status codes | a token answers the same after session_ms
auth.revoked | documented | OAuth token revocation | and after it was revoked
auth.scope | code | jsforce 3 | a token without the scope api answers 401 "This session is not valid for use with the REST API"
limit.info | documented | REST API guide, headers | every reply of the data API has Sforce-Limit-Info: api-usage=USED/LIMIT
limit.daily | documented | limits quick reference | a request beyond the daily limit of a rolling 24 hours answers 403
  REQUEST_LIMIT_EXCEEDED, without Retry-After
limit.refused | assumed | - | a request that is refused for the limit or for its token is not counted
limit.resource | documented | REST API guide, limits | /limits says the daily maximum and what is left of it
limit.uri | documented | limits quick reference | a URI of more than 16,384 characters answers 414
meta.versions | documented | REST API guide | /services/data lists the versions, and needs no token
meta.version-unknown | documented | REST API guide, status codes | a version that is not listed answers 404 NOT_FOUND
meta.objects | documented | REST API guide, describe global | /sobjects lists the objects
meta.describe | documented | REST API guide, sObject describe | describe lists the fields with type, length, createable, updateable, nillable,
  defaultedOnCreate, externalId, idLookup, unique, caseSensitive, picklistValues, restrictedPicklist and referenceTo
meta.modified | documented | REST API guide, If-Modified-Since | describe answers 304 where nothing changed since If-Modified-Since
meta.unknown | documented | REST API guide, status codes | an object that does not exist answers 404 NOT_FOUND
meta.custom | assumed | - | a custom object has a Name that is its id where none is given
fail.status | documented | REST API guide, status codes | 500, 503 and others come before or after the commit as faults, in the API's error shape
fail.session | documented | REST API guide, status codes | a session may end in the middle of anything (fault session-ends)
fail.path | documented | REST API guide, status codes | an unknown path answers 404 NOT_FOUND, another method 405 METHOD_NOT_ALLOWED
fail.org | documented | REST API guide, status codes | API_DISABLED_FOR_ORG and STORAGE_LIMIT_EXCEEDED come as faults, with status 403
`)
