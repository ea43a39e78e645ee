import { readBehaviours } from './simulator-behaviours.ts'

/** Limits, credentials, search, metadata and failures. */
export const HUBSPOT_SERVICE_BEHAVIOURS = readBehaviours(`
limit.burst | documented | usage guidelines | 100, 190 or 110 requests in any ten seconds, by the plan
limit.daily | documented | usage guidelines | 250,000, 650,000 or 1,000,000 requests from midnight to midnight; no such limit for oauth
limit.refused | assumed | - | a refused request is not counted in the window that refused it
limit.headers | recorded | grouparoo/grouparoo, 2022 | X-HubSpot-RateLimit headers say the daily and the ten-second limit and what is left of them
limit.headers-daily | recorded | grouparoo/grouparoo, 2022 | sometimes the daily ones alone (rate_limit_headers)
limit.body-policy | recorded | grouparoo/grouparoo, 2022 | a 429 has errorType and policyName TEN_SECONDLY_ROLLING or DAILY
limit.body-message | recorded | grouparoo/grouparoo, 2022 | or only a message and category RATE_LIMITS (rate_limit_body)
limit.retry-after | recorded | grouparoo/grouparoo, 2022 | a 429 says no Retry-After, unless retry_after is set
limit.search | documented | search API | five searches a second, without headers about limits
limit.search-daily | documented | search API | searches count for the daily limit, not for the ten-second one
search.filters | specified | OpenAPI files | the operators of filters, groups of which one has to hold, and sorts
search.paging | documented | search API | at most 200 results a page, and none beyond 10,000 (status 400)
search.groups | documented | search API | at most 5 groups, 6 filters in each, 18 in all
search.lag | documented | search API | a change is found only after search_lag_ms
auth.none | issue | HubSpot/hubspot-api-ruby#181 | no token, or one that is not known, answers 401 INVALID_AUTHENTICATION
auth.revoked | assumed | - | a token that was revoked answers the same
auth.expired | issue | airbytehq/airbyte#74726 | a token of the token endpoint lives for 30 minutes, then answers 401 EXPIRED_AUTHENTICATION
auth.scopes | issue | HubSpot/hubspot-api-nodejs#268 | a token without the scope answers 403 MISSING_SCOPES with requiredScopes
auth.refresh | documented | OAuth | a refresh token gets an access token at /oauth/2026-03/token and /oauth/v1/token, with all values in the body
auth.bad-refresh | assumed | - | a wrong or revoked refresh token, client or grant answers 400 with a status that names it
meta.account | documented | account information API | /account-info/v3/details and /account-info/2026-03/details say portalId, with the scope oauth
meta.properties | specified | OpenAPI files | properties are listed with type, fieldType, options and modificationMetadata, at both shapes of path
meta.create-property | specified | OpenAPI files | a property can be created (201), once (409)
meta.unique-properties | documented | properties API | an object has at most ten properties with hasUniqueValue
meta.unique-email | code | published clients | hasUniqueValue is false for email, although it is unique
meta.schemas | specified | OpenAPI files | schemas of custom objects are listed with objectTypeId, fullyQualifiedName and requiredProperties
meta.rules | documented | property validations API | the rules of properties are listed
fail.status | documented | error handling | 423, 477 with Retry-After, 502, 503, 504, 521 and 524 come before or after the commit, as faults
fail.pages | assumed | - | 502, 504, 521 and 524 are pages in HTML, the others JSON
fail.empty-results | code | RudderStack | a batch can answer 200 without results and without errors, having written nothing (fault empty-results)
fail.batch-conflict | issue | airbytehq/airbyte#76340 | a batch can answer 409 for one conflict without naming it (fault batch-conflict)
fail.rate-limit | recorded | grouparoo/grouparoo, 2022 | each 429 comes as a fault too: rate-limit-daily, rate-limit-rolling, rate-limit-message
`)
