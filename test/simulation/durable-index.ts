import { tablesOf } from './sqlite-image.ts'

/**
 * What a key index says of each key, durably: read from its file on disk, by code of its own. By integer key. The format
 * of an entry: `length and state u16 | key | fingerprint 8 bytes`.
 */
export type DurableIndex = ReadonlyMap<string, Known>

export type Known = 'acknowledged' | 'unsure' | 'unsure_new' | 'adopted' | 'seen' | 'retired'

const STATES = ['gone', 'acknowledged', 'unsure', 'unsure_new', 'adopted', 'seen', 'retired'] as const
const COUNTING = ['base', 'delta', 'lane']
const LAYER_SPAN = 2 ** 32

export function durableIndex(path: string): DurableIndex {
  const tables = tablesOf(path, ['layer', 'segment'])
  const layers = (tables.get('layer') ?? []).filter(({ values }) => COUNTING.includes(values[1] as string))
  const counting = new Set(layers.map(({ rowid }) => rowid))
  const known = new Map<string, Known>()
  // Segments ascend by layer, and newer layers win.
  for (const { rowid, values } of tables.get('segment') ?? []) {
    if (!counting.has(Math.floor(rowid / LAYER_SPAN))) continue
    const bytes = values[2] as Buffer
    for (let at = 0; at < bytes.length - 8; at += 18) {
      const header = bytes.readUInt16LE(at)
      if ((header & 0x1fff) !== 8) throw new Error('a key is no integer')
      const key = String(bytes.readBigUInt64BE(at + 2) - 2n ** 63n)
      const state = STATES[header >>> 13]
      if (state === undefined) throw new Error(`key ${key} is in no state`)
      if (state === 'gone') known.delete(key)
      else known.set(key, state)
    }
  }
  return known
}
