import * as z from 'zod'
import type { DestinationNotes } from '../core/record-links.ts'
import type { RowForm } from './salesforce-rows.ts'

/** What is remembered of a job until its results are read, also by a run that comes after one that was killed. */
const jobNote = z.object({
  /** `open`: rows may be on their way; `closed`: it runs, or will, whoever waits for it. */
  step: z.enum(['open', 'closed']),
  way: z.enum(['insert', 'upsert', 'update', 'delete']),
  object: z.string(),
  match: z.string(),
  columns: z.array(z.string()),
})

export type JobNote = z.infer<typeof jobNote>

const PREFIX = 'salesforce job '

/** Durable when it returns. */
export function noteJob(
  notes: DestinationNotes,
  id: string,
  step: JobNote['step'],
  { way, object, match }: RowForm,
  columns: readonly string[],
): void {
  const note: JobNote = { step, way, object, match, columns: [...columns] }
  notes.set(PREFIX + id, JSON.stringify(note))
}

export function forgetJob(notes: DestinationNotes, id: string): void {
  notes.set(PREFIX + id, null)
}

/** The jobs of earlier runs whose results nobody has read, in no order. A note that cannot be read is of a job all the same. */
export function notedJobs(notes: DestinationNotes): ReadonlyMap<string, JobNote | undefined> {
  const jobs = new Map<string, JobNote | undefined>()
  for (const [name, text] of notes.all()) {
    if (name.startsWith(PREFIX)) jobs.set(name.slice(PREFIX.length), readNote(text))
  }
  return jobs
}

function readNote(text: string): JobNote | undefined {
  try {
    return jobNote.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
