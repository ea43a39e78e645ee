import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** What every Node from 22 on has, and the types of Node 20 lack. */
interface Transferable extends ArrayBuffer {
  transfer?(length: number): ArrayBuffer
}

/** Smaller ones are left to the collector: they weigh little, and Node may have put several into one memory. */
const SMALLEST = 16 * 1024

let nowhere: MessagePort | undefined

/**
 * Frees the memory of a buffer at once; the buffer is empty from then on. Only for whoever alone holds it. SQLite makes a
 * buffer of every segment that is read, and while layers are folded nothing else runs, the collector included: their sum
 * would be the peak of a run.
 */
export function giveBack(bytes: Buffer): void {
  const memory = bytes.buffer as Transferable
  if (bytes.length < SMALLEST || memory.byteLength !== bytes.length) return
  if (memory.transfer !== undefined) memory.transfer(0)
  else {
    // Node 20: memory that is sent to a closed port goes with the message, which nobody gets.
    nowhere ??= closedPort()
    nowhere.postMessage(null, [memory])
  }
}

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  port1.close()
  port2.close()
  return port1
}
