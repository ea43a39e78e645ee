// A reporter of node:test that says at the end which files took longest, with their neighbours beside them on the machine.
const SHOWN = 15

/** @param {AsyncIterable<{ type: string, data: { nesting?: number, file?: string, details?: { duration_ms?: number } } }>} events */
// biome-ignore lint/style/noDefaultExport: node:test asks for it
export default async function* slowest(events) {
  const spent = new Map()
  for await (const { type, data } of events) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.nesting !== 0 || data.file === undefined) continue
    spent.set(data.file, (spent.get(data.file) ?? 0) + (data.details?.duration_ms ?? 0))
  }
  const all = [...spent].sort(([, one], [, other]) => other - one)
  const total = all.reduce((sum, [, ms]) => sum + ms, 0)
  yield `# slowest of ${all.length} files, ${Math.round(total / 1000)} s in all\n`
  for (const [file, ms] of all.slice(0, SHOWN)) {
    yield `# ${(ms / 1000).toFixed(1).padStart(6)} s  ${file.replace(/^.*\/test\//, 'test/')}\n`
  }
}
