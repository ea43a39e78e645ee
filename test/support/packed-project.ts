import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts'

const REPOSITORY = join(import.meta.dirname, '../..')

/** A project of somebody else's, in which this package is installed as it is published: compiled, behind its exports. */
export function packedProject(): TemporaryFolder {
  const folder = temporaryFolder()
  const modules = folder.file('node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(join(REPOSITORY, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(REPOSITORY, 'node_modules', name), join(modules, name))
  }
  const installed = join(modules, 'rowferry')
  mkdirSync(installed)
  cpSync(join(REPOSITORY, 'package.json'), join(installed, 'package.json'))
  const compiler = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
  const argv = [compiler, '-p', join(REPOSITORY, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')]
  const { status, stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the package does not compile:\n${stdout}`)
  return folder
}
