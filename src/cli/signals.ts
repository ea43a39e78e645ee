import { EXIT } from './exit-code.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM'

/** The user's wish to stop. */
export interface Interruption extends Disposable {
  /** Aborted by the first signal; the reason is its name. */
  readonly signal: AbortSignal
  readonly received: StopSignal | undefined
}

/**
 * Listens for SIGINT and SIGTERM: the first asks the work to stop in good order, the second ends the process at once
 * (the key index stands that like any crash).
 */
export function listenForSignals(onFirst: (name: StopSignal) => void): Interruption {
  const controller = new AbortController()
  let received: StopSignal | undefined
  const listener = (name: NodeJS.Signals) => {
    const signal = name as StopSignal
    if (received !== undefined) process.exit(EXIT[signal])
    received = signal
    onFirst(signal)
    controller.abort(signal)
  }
  process.on('SIGINT', listener)
  process.on('SIGTERM', listener)
  return {
    signal: controller.signal,
    get received() {
      return received
    },
    [Symbol.dispose]() {
      process.off('SIGINT', listener)
      process.off('SIGTERM', listener)
    },
  }
}
