import { readBehaviours } from './simulator-behaviours.ts'

/** Bulk API 2.0: ingest and query jobs, and their results. */
export const SALESFORCE_JOB_BEHAVIOURS = readBehaviours(`
job.create | documented | Bulk API 2.0 guide, create a job | POST answers 200, state Open and a contentUrl without a leading slash
job.create-refused | issue | public threads | an unknown object, operation or upsert field answers 400, INVALIDJOB in capitals
job.states | documented | Bulk API 2.0 guide, job states | Open, UploadComplete, InProgress (after a wait in the queue), JobComplete
job.wrong-state | issue | restforce/restforce#905 | a change that the state does not allow answers 400 INVALIDJOBSTATE
job.second-upload | live-test | life-improver.com, Bulk API 2.0 batches | a second PUT is taken, and then the job cannot be closed: 400 INVALIDJOB "Found multiple contents"
job.upload-size | documented | Bulk API 2.0 limits | 150 MB after base64, which makes 4 bytes of 3
job.list | documented | Bulk API 2.0 guide, get all jobs | jobs are listed in no certain order
job.abort | documented | Bulk API 2.0 guide, abort a job | an aborted job keeps what was processed; the rest is unprocessed
job.delete | documented | Bulk API 2.0 guide, delete a job | a job that was closed and does not run can be deleted (204), then it answers 404
job.retention | documented | Bulk API 2.0 limits | jobs and their results are gone after 7 days: 404
job.batches | documented | Bulk API 2.0 guide | the rows are processed in internal batches of 10,000 (batch_size); the counts of the job move with them
job.fails | documented | Bulk API 2.0 guide, job states | a job may fail in the middle (fail_jobs): some rows are processed, the rest stands in unprocessedrecords only
job.no-data | assumed | - | a job without data completes with no rows
job.session | documented | REST API guide, status codes | a token that ends in the middle of a job answers 401, and the job goes on without it
job.commit | documented | Bulk API 2.0 guide | a job that was closed is processed whether or not somebody asks for it
result.files | documented | Bulk API 2.0 guide, results | three files: sf__Id and sf__Created, sf__Id and sf__Error, and unprocessedrecords with the columns sent; each row stands in one of them
result.order | documented | Bulk API 2.0 guide, results | the rows are in another order than the upload
result.error | documented | Bulk API 2.0 guide, failed results | sf__Error is CODE:text:fields --
result.paging | documented | Bulk API 2.0 guide, headers | a page ends with a Sforce-Locator, the last one with the text null
result.empty | issue | OpenFn/adaptors#886 | a file without rows is a header, or status 204 (empty_results)
result.early | assumed | - | the results of a job that has not ended answer 400
query-job.results | documented | Bulk API 2.0 guide, query jobs | a query job answers quoted CSV, in pages with Sforce-Locator and Sforce-NumberOfRecords
query-job.refused | documented | Bulk API 2.0 guide, query jobs | a query that is not understood, COUNT() and OFFSET answer 400
query-job.snapshot | assumed | - | its results are those of the moment when it ran
query-job.all | documented | Bulk API 2.0 guide, query jobs | queryAll finds deleted records as well
query-job.life | documented | Bulk API 2.0 guide, query jobs | it can be aborted while it waits, listed, and deleted when it has ended
`)
