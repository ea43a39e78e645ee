import { setFlagsFromString } from 'node:v8'

/**
 * Imported before anything else, for what it does: V8's young generation stays at the megabytes it starts with, where
 * it would double again and again while rows stream by. The buffers of batches live outside V8's heap and are given
 * back only when the young generation is collected; a large one is collected seldom, and so many batches stay. Takes
 * about a fifth off the peak memory of a run over a million unchanged rows. Node 20 ignores the flag on its own
 * command line: it has to be set from within.
 */
setFlagsFromString('--semi-space-growth-factor=1')
