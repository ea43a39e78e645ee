import { SegmentBuilder, UNSURE } from '../core/key-entry.ts'
import type { KeyIndex } from '../core/key-index.ts'
import type { RecordLinks } from '../core/record-links.ts'

/**
 * Marks as unsure, durably, the keys whose records other rows were written to: the run that begins sends them again. To be
 * called before the index is scanned.
 */
export function resendOverwritten(index: KeyIndex, links: RecordLinks): void {
  const keys = links.overwritten()
  if (keys.length === 0) return
  const builder = new SegmentBuilder()
  for (const key of keys) {
    const link = links.get(key)
    if (link === undefined) continue
    builder.push(UNSURE, key, 0, key.length, 0, 0)
    links.put(key, { ...link, overwritten: false })
  }
  index.lane().put(0, builder.take())
  index.commit()
  index.compact()
}
