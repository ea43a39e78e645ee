import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { UnnamedFile } from '../../src/state/unnamed-file.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const posix = { skip: process.platform === 'win32' && 'Windows has no such pipes and files' }

test('gives back what was appended, from anywhere', () => {
  using folder = temporaryFolder()
  using file = new UnnamedFile(folder.file('users.sort'), 'users')
  file.append(Buffer.from('one, '))
  file.append(Buffer.from('two, three'))
  assert.equal(file.length, 15)
  const into = Buffer.alloc(3)
  file.read(into, 5)
  assert.equal(into.toString(), 'two')
  assert.throws(() => file.read(Buffer.alloc(3), 13), /was cut short/)
})

test('two of the same path are two files', posix, () => {
  using folder = temporaryFolder()
  using first = new UnnamedFile(folder.file('users.sort'), 'users')
  first.append(Buffer.from('a'))
  using second = new UnnamedFile(folder.file('users.sort'), 'users')
  assert.deepEqual([first.length, second.length], [1, 0])
})

test('has no name while it is open, and leaves no folder behind that was made for it', posix, () => {
  using folder = temporaryFolder()
  const state = folder.file('deep/state')
  using file = new UnnamedFile(`${state}/users.sort`, 'users')
  file.append(Buffer.from('x'))
  assert.ok(!existsSync(folder.file('deep')))
  mkdirSync(state, { recursive: true })
  using _other = new UnnamedFile(`${state}/users.sort`, 'users')
  assert.deepEqual(readdirSync(state), [])
})

test('what was left behind by a process on Windows is written over', () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('users.sort'), 'old')
  using file = new UnnamedFile(folder.file('users.sort'), 'users')
  file.append(Buffer.from('n'))
  const into = Buffer.alloc(1)
  file.read(into, 0)
  assert.equal(into.toString(), 'n')
})

test('can be disposed of twice', () => {
  using folder = temporaryFolder()
  const file = new UnnamedFile(folder.file('users.sort'), 'users')
  file[Symbol.dispose]()
  file[Symbol.dispose]()
})
