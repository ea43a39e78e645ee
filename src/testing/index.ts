/** What tests of syncs and connectors need, published as `rowferry/testing`. */
export { type PostgresOptions, startPostgres, type TestPostgres } from './postgres.ts'
