#!/usr/bin/env node
import './memory.ts'
import { main } from './program.ts'

await main(process.argv.slice(2))
