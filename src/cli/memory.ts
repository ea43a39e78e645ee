import { setFlagsFromString } from 'node:v8'

/**
 * Imported before anything else, for what it does: it keeps V8's young generation at the size it starts with. V8
 * would double it again and again while a run streams; a batch's buffers, which live outside its heap, are freed only
 * when the young generation is collected, so a larger one means that many more batches stay in memory at a time.
 * Of a run over a million rows it takes the peak from 123 to 85 MiB. V8 reads the flag when it next wants to grow,
 * so that nothing has to start the process again.
 */
setFlagsFromString('--semi-space-growth-factor=1')
