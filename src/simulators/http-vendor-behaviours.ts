import { readBehaviours } from './simulator-behaviours.ts'

/** Shapes of six APIs, for the presets. Each stands below its name: `/braze/users/track`. */
export const HTTP_VENDOR_BEHAVIOURS = readBehaviours(`
customerio.batch | documented | docs.customer.io/api/track | POST /api/v2/batch takes people with identifiers, action and attributes, and basic authentication
customerio.errors | assumed | - | items that are not taken are listed with batch_index, reason, field and message, with status 207; the others are taken
customerio.size | documented | docs.customer.io/api/track | a request has at most 500 kB, an item 32 kB
customerio.email-case | documented | docs.customer.io/api/track | where e-mail identifies people, its case means nothing
customerio.delete | assumed | - | deleting somebody who is not there is no error
braze.track | documented | www.braze.com/docs/api/endpoints/user_data/post_user_track | /users/track takes attributes with external_id and a bearer key, and answers 201 with message and attributes_processed
braze.errors | assumed | - | each of errors has type, input_array and index
braze.limit | documented | www.braze.com/docs/api/api_limits | at most 75 attributes a request
braze.delete | documented | www.braze.com/docs/api/endpoints/user_data/post_user_delete | /users/delete takes at most 50 external_ids
klaviyo.import | documented | developers.klaviyo.com/en/reference/create_or_update_profile | POST /api/profile-import makes (201) or changes (200) a profile, and wants a revision header
klaviyo.attributes | assumed | - | attributes that are not known are refused outside of properties
klaviyo.external-id | assumed | - | an external_id that is no text is refused
klaviyo.errors | documented | developers.klaviyo.com/en/docs/rate_limits_and_error_handling | errors have code, title, detail and source.pointer
intercom.create | documented | developers.intercom.com/docs/references/2.1/rest-api/contacts/create-contact | POST /contacts makes a contact, or answers 409 conflict where there is one with that external_id
intercom.update | documented | developers.intercom.com/docs/references/2.6/rest-api/contacts/update-contact | PUT and DELETE of /contacts/ID answer 404 not_found where there is none
intercom.conflict | documented | developers.intercom.com/docs/references/2.6/rest-api/contacts/update-contact | PUT /contacts/ID with the external_id of another contact answers 409 conflict
intercom.search | documented | developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/searchcontacts | POST /contacts/search finds by external_id
intercom.list | documented | developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/listcontacts | GET /contacts has pages.next.starting_after
zendesk.upsert | documented | developer.zendesk.com/api-reference/ticketing/users/users | create_or_update answers 201 or 200 with the user; an external_id is found in any case
zendesk.invalid | documented | developer.zendesk.com/api-reference/introduction/requests | what is not valid answers 422 RecordInvalid with details
zendesk.delete | documented | developer.zendesk.com/api-reference/ticketing/users/users | users are deleted by id, and a second time answers 404
zendesk.search | assumed | - | /users/search finds a user by external_id
slack.message | documented | docs.slack.dev/tools/python-slack-sdk/webhook | a message answers 200 with the text ok, and each request makes another one
slack.errors | documented | api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks | errors are words: invalid_payload (400), action_prohibited (403), channel_is_archived (410)
slack.more-errors | assumed | - | and no_text (400), no_service (404)
vendor.auth | documented | the pages above | without credentials they answer 401
`)
