import { close, createReadStream, fstatSync, open, type ReadStream, read } from 'node:fs'
import { Socket } from 'node:net'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import * as z from 'zod'
import { configurationError, messageOf } from '../core/errors.ts'
import { defineSource } from '../core/source.ts'
import { ByteInput } from './byte-input.ts'
import { rowOptions } from './row-options.ts'
import { type RowInput, RowSource } from './row-source.ts'

/** Bytes of one read: fewer, larger reads cost less. */
const CHUNK_BYTES = 256 * 1024

const fileOptions = rowOptions.extend({ path: z.string().min(1) })

export type FileOptions = z.output<typeof fileOptions>

/** Rows of a file; gzip is decompressed. */
export const fileSource = defineSource<FileOptions>({
  type: 'file',
  schemes: ['file'],
  options: fileOptions,
  locate: (options, baseDirectory) => ({ ...options, path: resolve(baseDirectory, options.path) }),
  async open(options, request) {
    return new RowSource(await fileInput(options.path), options, request)
  },
})

async function fileInput(path: string): Promise<RowInput> {
  const fd = await openFile(path)
  const stats = fstatSync(fd)
  // A named pipe or a process substitution has a name like a file, but no beginning to go back to.
  return stats.isFIFO() || stats.isSocket() ? pipeInput(path, fd) : regularInput(path, fd, stats.isFile())
}

/** The file stays open, so that every reading of a run is of the same one, whatever takes its name. */
function regularInput(path: string, fd: number, again: boolean): RowInput {
  const streams: ReadStream[] = []
  return {
    name: path,
    again,
    async open() {
      // However a stream ends it closes its file, unless closing is nothing to it.
      const fs = { open, read, close: (_fd: number, done: (error?: Error | null) => void) => done(null) }
      const stream = createReadStream('', { fd, fs, highWaterMark: CHUNK_BYTES, ...(again ? { start: 0 } : {}) })
      streams.push(stream)
      return new ByteInput(path, stream)
    },
    async close() {
      // A read that is under way must not find another file behind the number.
      for (const stream of streams) {
        stream.destroy()
        if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', resolve))
      }
      await promisify(close)(fd)
    },
  }
}

/** Read as what it is: a read of a silent pipe can be given up, that of a file cannot. */
function pipeInput(path: string, fd: number): RowInput {
  const socket = new Socket({ fd, readable: true, writable: false })
  return {
    name: path,
    again: false,
    open: async () => new ByteInput(path, socket),
    close: async () => void socket.destroy(),
  }
}

async function openFile(path: string): Promise<number> {
  try {
    const fd = await promisify(open)(path, 'r')
    if (!fstatSync(fd).isDirectory()) return fd
    await promisify(close)(fd)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const message =
      code === 'ENOENT'
        ? `there is no file ${path}: check the path`
        : `${path} cannot be read (${messageOf(error)}): check it`
    throw configurationError(code === 'ENOENT' ? 'no_such_file' : 'file_unreadable', message, error)
  }
  throw configurationError('file_unreadable', `${path} is a folder: name a file`)
}
