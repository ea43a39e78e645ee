/** What tests of syncs and connectors need, published as `rowferry/testing`. */
export type { Given } from './contract-case.ts'
export type { ContractRecord } from './contract-record.ts'
export {
  type DestinationCase,
  type DestinationContract,
  type DestinationFault,
  testDestination,
} from './destination-contract.ts'
export {
  type KeyIndexCase,
  type KeyIndexContract,
  type KeyIndexModule,
  type OpenKeyIndex,
  testKeyIndex,
} from './key-index-contract.ts'
export { type PostgresOptions, startPostgres, type TestPostgres } from './postgres.ts'
export { type SourceCase, type SourceContract, testSource } from './source-contract.ts'
export { type TestContext, testContext } from './test-context.ts'
