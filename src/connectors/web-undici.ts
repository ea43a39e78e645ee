import { Agent, buildConnector } from 'undici'

/**
 * What the web client needs of undici, named one by one: a CommonJS package that is imported when it is needed has nothing
 * but a default once the command line is bundled.
 */
export const undici = { Agent, buildConnector }
