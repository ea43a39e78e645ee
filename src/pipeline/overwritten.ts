import { SegmentBuilder, UNSURE } from '../core/key-entry.ts'
import type { KeyIndex } from '../core/key-index.ts'
import type { RecordLinks } from '../core/record-links.ts'

const SEGMENT_BYTES = 64 * 1024

/**
 * Marks as unsure, durably, the keys whose records other rows were written to: the run that begins sends them again. To be
 * called before the index is scanned.
 */
export function resendOverwritten(index: KeyIndex, links: RecordLinks): void {
  const keys = links.overwritten()
  if (keys.length === 0) return
  const builder = new SegmentBuilder()
  const lane = index.lane()
  let sequence = 0
  const put = () => {
    lane.put(sequence++, builder.take())
    index.commit()
  }
  for (const key of keys) {
    const link = links.get(key)
    if (link === undefined) continue
    links.put(key, { ...link, overwritten: false })
    builder.push(UNSURE, key, 0, key.length, 0, 0)
    if (builder.length >= SEGMENT_BYTES) put()
  }
  put()
  index.compact()
}
