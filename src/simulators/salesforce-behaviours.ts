import { SALESFORCE_COLLECTION_BEHAVIOURS } from './salesforce-collection-behaviours.ts'
import { SALESFORCE_CSV_BEHAVIOURS } from './salesforce-csv-behaviours.ts'
import { SALESFORCE_JOB_BEHAVIOURS } from './salesforce-job-behaviours.ts'
import { SALESFORCE_QUERY_BEHAVIOURS } from './salesforce-query-behaviours.ts'
import { SALESFORCE_ROW_BEHAVIOURS } from './salesforce-row-behaviours.ts'
import { SALESFORCE_SERVICE_BEHAVIOURS } from './salesforce-service-behaviours.ts'
import type { Behaviour } from './simulator-behaviours.ts'

/** All that the Salesforce simulator does as Salesforce does, as far as known. docs/simulators.md shows it. */
export const SALESFORCE_BEHAVIOURS: readonly Behaviour[] = [
  ...SALESFORCE_COLLECTION_BEHAVIOURS,
  ...SALESFORCE_ROW_BEHAVIOURS,
  ...SALESFORCE_JOB_BEHAVIOURS,
  ...SALESFORCE_CSV_BEHAVIOURS,
  ...SALESFORCE_QUERY_BEHAVIOURS,
  ...SALESFORCE_SERVICE_BEHAVIOURS,
]
