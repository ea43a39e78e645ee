import { testKeyIndex } from '../../src/testing/index.ts'

testKeyIndex({
  name: 'the key index in an SQLite file',
  module: new URL('../support/key-index-module.ts', import.meta.url).href,
})
