import type { SimulatorKind } from '../simulators/simulator-kinds.ts'
import { type SimulatorOptions, SimulatorOptionsError } from '../simulators/simulator-options.ts'
import { startSimulator } from '../simulators/start-simulator.ts'
import { CliError, usageError } from './cli-error.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { openOutput, tellError } from './session.ts'
import { listenForSignals } from './signals.ts'
import type { SimulatorCommandOptions } from './simulator-command.ts'

/** Starts a simulator, prints where it is, and answers when a signal has ended it. */
export async function runSimulator(kind: SimulatorKind, options: SimulatorCommandOptions): Promise<ExitCode> {
  const output = openOutput(options)
  using interruption = listenForSignals(() => {})
  const { signal } = interruption
  try {
    const simulator = await startSimulator(kind, optionsOf(options))
    output.data(JSON.stringify({ url: simulator.url }))
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await simulator.close()
    return EXIT[interruption.received ?? 'SIGTERM']
  } catch (error) {
    return tellError(asCliError(error, options), output)
  }
}

function optionsOf({ port, seed, faults, with: own }: SimulatorCommandOptions): SimulatorOptions {
  return {
    ...(own === undefined ? {} : parseOwn(own)),
    ...(port === undefined ? {} : { port }),
    ...(seed === undefined ? {} : { seed }),
    ...(faults === undefined ? {} : { faults }),
  }
}

function parseOwn(text: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Told below: a value that is no object is no better.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw usageError('--with is no JSON object', `write --with '{"seed": 7}'`)
}

/** What the command line says wrongly is usage; a port that is taken may be free later. */
function asCliError(error: unknown, { port }: SimulatorCommandOptions): unknown {
  if (error instanceof SimulatorOptionsError) return usageError(error.message, 'see docs/simulators.md')
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error
  const reason = code === 'EACCES' ? 'may not be used' : 'is taken'
  return new CliError(EXIT.failed, `port ${port} of 127.0.0.1 ${reason}: choose another --port, or leave it out`)
}
