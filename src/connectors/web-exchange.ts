import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'

/** The head of an answer, and what follows it as it comes. Names of headers are in lower case. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable
}

/** One request and its answer. */
export interface Exchange {
  /** Whether some of the request may have reached the server. */
  readonly sent: boolean
  /** Rejects with the signal's reason, or with what went wrong; so does the body once it is there. */
  readonly answer: Promise<Answer>
}

/** Sends one request. `signal` ends it at any time, and holds until the end of the body. */
export function beginExchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  signal: AbortSignal,
): Exchange {
  let controller: Dispatcher.DispatchController | undefined
  let body: Readable | undefined
  let ended = false
  const { promise, resolve, reject } = withResolvers<Answer>()

  const end = (error?: Error) => {
    ended = true
    signal.removeEventListener('abort', cancel)
    if (error === undefined) return void body?.push(null)
    reject(error)
    body?.destroy(error)
  }
  const cancel = () => {
    const reason = asError(signal.reason)
    end(reason)
    controller?.abort(reason)
  }
  const handler: Dispatcher.DispatchHandler = {
    // Called when a connection is there, right before the first byte is written to it.
    onRequestStart(started) {
      // A request that was cancelled while it waited for its connection is never written.
      if (ended) return started.abort(new Error('cancelled'))
      controller = started
    },
    onResponseStart(started, status, headers) {
      if (status < 200) return
      body = new Readable({
        read: () => started.resume(),
        destroy(error, callback) {
          if (!ended) {
            end(error ?? new Error('the answer was not wanted'))
            started.abort(error ?? new Error('the answer was not wanted'))
          }
          callback(error)
        },
      })
      // Whoever does not read it is not brought down by it.
      body.on('error', () => {})
      resolve({ status, headers: joined(headers), body })
    },
    onResponseData(started, chunk) {
      if (body?.push(chunk) === false) started.pause()
    },
    onResponseEnd: () => end(),
    onResponseError: (_, error) => end(error),
  }
  if (signal.aborted) cancel()
  else {
    signal.addEventListener('abort', cancel)
    try {
      dispatcher.dispatch(request, handler)
    } catch (error) {
      end(asError(error))
    }
  }
  return {
    get sent() {
      return controller !== undefined
    },
    answer: promise,
  }
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) texts[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return texts
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

function withResolvers<Value>() {
  let resolve: (value: Value) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<Value>((resolved, rejected) => {
    resolve = resolved
    reject = rejected
  })
  return { promise, resolve, reject }
}
