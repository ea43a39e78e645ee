/**
 * Who closes the other end of a pipe has read enough: `rowferry schema | head -1` has not failed. Without a listener
 * Node would end the process with a stack.
 */
export function whenPipeCloses(stream: NodeJS.WritableStream, then: () => void = () => {}): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error
    then()
  })
}
