export type SyncMode = 'mirror' | 'upsert' | 'update-only' | 'delete-only' | 'insert-only'

/** The three things a mode lets through. */
export interface ModeOperations {
  readonly insert: boolean
  readonly update: boolean
  readonly delete: boolean
}

/** A mode is a row of this table; nothing else in the code knows what a mode means. */
export const SYNC_MODES = {
  mirror: { insert: true, update: true, delete: true },
  upsert: { insert: true, update: true, delete: false },
  'update-only': { insert: false, update: true, delete: false },
  'delete-only': { insert: false, update: false, delete: true },
  'insert-only': { insert: true, update: false, delete: false },
} as const satisfies Record<SyncMode, ModeOperations>

export const SYNC_MODE_NAMES = Object.keys(SYNC_MODES) as readonly SyncMode[]

/** `all`: every record the model lacks; `seen`: only those the model held before. */
export type DeleteScope = 'all' | 'seen'
