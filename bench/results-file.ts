import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/**
 * Puts sections into a file of results, each in the place of the one of the same title: a question can be asked again by
 * itself. `machine` says what and how was measured, last.
 */
export function saveResults(path: string, machine: string, sections: readonly string[]): void {
  const known = existsSync(path)
    ? readFileSync(path, 'utf8')
        .split(/^(?=## )/m)
        .slice(1)
    : []
  const titled = new Map(known.map((section) => [titleOf(section), section]))
  for (const section of sections) titled.set(titleOf(section), section)
  const date = new Date().toISOString().slice(0, 10)
  const text = [...titled.values()].map((section) => `${section.trim()}\n`).join('\n')
  const head = `Written by \`npm run bench\`, last on ${date}. Ratios are taken within one run; absolute times are this machine's.`
  writeFileSync(path, `# Results\n\n${head}\n${machine}\n\n${text}`)
}

function titleOf(section: string): string {
  return section.slice(0, section.indexOf('\n'))
}
