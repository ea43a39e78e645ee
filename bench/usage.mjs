// Loaded into a measured process with --import: leaves what the process used behind when it ends.
import { writeFileSync } from 'node:fs'

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const usage = { cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMiB: maxRSS / 1024 }
  writeFileSync(process.env.ROWFERRY_BENCH_USAGE, JSON.stringify(usage))
})
