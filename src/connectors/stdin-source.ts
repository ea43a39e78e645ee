import { configurationError } from '../core/errors.ts'
import { defineSource } from '../core/source.ts'
import { ByteInput } from './byte-input.ts'
import { type RowOptions, rowOptions } from './row-options.ts'
import { type RowInput, RowSource } from './row-source.ts'

/** Rows that another program writes into a pipe. */
export const stdinSource = defineSource<RowOptions>({
  type: 'stdin',
  schemes: [],
  options: rowOptions,
  open: async (options, request) => new RowSource(stdinInput(), options, request),
})

function stdinInput(): RowInput {
  return {
    name: 'stdin',
    again: false,
    async open() {
      const { stdin } = process
      if (stdin.isTTY) {
        throw configurationError('stdin_is_terminal', 'stdin is a terminal: pipe rows into rowferry, or name a file')
      }
      if (stdin.readableEnded || stdin.destroyed) {
        throw configurationError(
          'stdin_used_up',
          'stdin was read to its end by another sync: run one sync from stdin at a time',
        )
      }
      return new ByteInput('stdin', stdin)
    },
    close: async () => {},
  }
}
