import { SYNC_MODES, type SyncMode } from '../core/sync-mode.ts'
import type { ResolvedSync } from '../pipeline/resolve-sync.ts'

const SCOPE_NOTES = {
  all: 'deletes.scope is all: every record that the model lacks is deleted',
  seen: 'deletes.scope is seen: only records that the model held before are deleted',
} as const

/** What a plan, and the first run of a sync, say about it in words. */
export function planNotes(resolved: ResolvedSync, mode: SyncMode): readonly string[] {
  return SYNC_MODES[mode].delete ? [...resolved.notes, SCOPE_NOTES[resolved.scope]] : resolved.notes
}
