import { Argument, type Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { ConfigOptions, GlobalOptions } from './options.ts'

export type Shell = 'bash' | 'zsh' | 'fish'
export type CompletionAction = (shell: Shell, options: GlobalOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry completion bash >> ~/.bashrc
  rowferry completion zsh >> ~/.zshrc     below the line with compinit
  rowferry completion fish > ~/.config/fish/completions/rowferry.fish

Completes commands, options, and the names and tags of the syncs in rowferry.yaml.`

export function addCompletionCommand(program: Command, action: CompletionAction = printScript): void {
  program
    .command('completion')
    .summary('print a script that completes command lines')
    .description('Prints a script for a shell, which then completes command lines of rowferry.')
    .addArgument(new Argument('<shell>', 'for which shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: Shell, _options: unknown, command: Command) => {
      process.exitCode = await action(shell, command.optsWithGlobals<GlobalOptions>())
    })
}

async function printScript(shell: Shell, options: GlobalOptions): Promise<ExitCode> {
  const { openOutput } = await import('./session.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { COMPLETION_SCRIPTS } = await import('./completion-scripts.ts')
  openOutput(options).data(COMPLETION_SCRIPTS[shell])
  return EXIT.done
}

/** What the scripts call at every press of Tab. Not in the help: it is for them alone. */
export function addCompleteCommand(program: Command): void {
  program
    .command('complete', { hidden: true })
    .description('Prints what may stand in the place of the last word, a tab, and what it means; or `:files`.')
    .argument('[words...]', 'the words of a command line behind `rowferry`')
    .addHelpText('after', "\nExample:\n  rowferry complete -- run ''")
    .action(async (words: string[], _options: unknown, command: Command) => {
      await printCompletions(program, words, command.optsWithGlobals<ConfigOptions>())
    })
}

async function printCompletions(program: Command, words: string[], options: GlobalOptions): Promise<void> {
  const { openOutput } = await import('./session.ts')
  const { completions, readSyncs } = await import('./completions.ts')
  const output = openOutput(options)
  const found = await completions(program, words, readSyncs)
  if (found === 'files') output.data(':files')
  else for (const { value, meaning } of found) output.data(`${value}\t${meaning}`)
}
