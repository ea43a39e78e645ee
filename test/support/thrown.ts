import assert from 'node:assert/strict'

/** The error that a promise is rejected with. Fails where it is not. */
export async function thrown(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Error, 'nothing was thrown')
  return error
}
