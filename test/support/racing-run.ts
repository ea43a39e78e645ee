import { sync } from '../../src/index.ts'
import { mapDestination } from './map-destination.ts'
import { idAndV } from './model-run.ts'

/**
 * A process that runs a sync when it is told to, as often as it is told: `node --import tsx racing-run.ts STATE`. The
 * message `start` begins a run, whose model waits at its first row until the message `go on`. Each run is answered with its
 * error's code, or its status.
 */

let goOn: (() => void) | undefined
process.on('message', async (message) => {
  if (message === 'go on') return goOn?.()
  const source = idAndV([['1', 'a']])
  const gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const waiting = { ...source.definition, type: 'gated', schemes: ['gated'] }
  const report = await sync(
    {
      version: 1,
      state: process.argv[2] as string,
      connections: { from: 'gated:', to: 'map:' },
      syncs: {
        users: {
          source: { connection: 'from', table: 'model' },
          key: 'id',
          mode: 'mirror',
          destination: { connection: 'to', object: 'users' },
        },
      },
    },
    {
      sources: [
        {
          ...waiting,
          async open(options, model) {
            const opened = await source.definition.open(options, model)
            const read = opened.read.bind(opened)
            return Object.assign(opened, {
              read: async (request: Parameters<typeof read>[0]) => {
                await gate
                return read(request)
              },
            })
          },
        },
      ],
      destinations: [mapDestination({}).definition],
    },
  )
  process.send?.(report.error?.kind === 'locked' ? 'locked' : report.status)
})
process.send?.('ready')
