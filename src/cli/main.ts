#!/usr/bin/env node
import './memory.ts'
import { EXIT } from './exit-code.ts'
import { main } from './program.ts'

let answered = false
void main(process.argv.slice(2)).then(() => {
  answered = true
})

// An await at the top would notice this by itself; the bundle is CommonJS, which has none.
process.once('beforeExit', () => {
  if (answered) return
  process.stderr.write('rowferry: this is a mistake in rowferry, please report it\nit waited for what never came\n')
  process.exitCode = EXIT.failed
})
