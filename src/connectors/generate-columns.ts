import type { Column } from '../core/column.ts'
import type { GenerateOptions } from './generate-options.ts'

const ID: Readonly<Record<GenerateOptions['key'], Column>> = {
  integer: { name: 'id', type: 'bigint', kind: 'integer', keyEncoding: 'integer' },
  text: { name: 'id', type: 'text', kind: 'text', keyEncoding: 'text' },
  uuid: { name: 'id', type: 'uuid', kind: 'other', keyEncoding: 'uuid' },
}

const text = (name: string): Column => ({ name, type: 'text', kind: 'text', keyEncoding: 'text' })

/** The columns of every generated model; those behind `city` are the ones that a change changes. */
export function generatedColumns(key: GenerateOptions['key']): readonly Column[] {
  return [
    ID[key],
    text('email'),
    text('first_name'),
    text('last_name'),
    text('city'),
    text('plan'),
    { name: 'lifetime_value', type: 'numeric(10,2)', kind: 'decimal', keyEncoding: 'text' },
    { name: 'seats', type: 'integer', kind: 'integer', keyEncoding: 'integer' },
    { name: 'active', type: 'boolean', kind: 'boolean', keyEncoding: 'boolean' },
    { name: 'updated_at', type: 'timestamp with time zone', kind: 'timestamp', keyEncoding: 'timestamptz' },
  ]
}

/** Each of these lists has a power of two of words. */
export const FIRST_NAMES =
  'Ada Alan Amina Anna Barbara Ben Carlos Chen Clara Daniel David Edith Elena Emma Farid Fatima Grace Hana Hedy Hugo Ida Ines Ivan Jack Jamal Joan John Jonas Julia Karim Katherine Kenji Lars Laura Leila Lena Linus Lucia Maria Mark Marta Mary Mehmet Mia Nadia Noah Nora Olga Omar Paula Peter Priya Ravi Rosa Samuel Sara Sofia Tariq Theo Tim Vera Wei Yuki Zara'.split(
    ' ',
  )

export const LAST_NAMES =
  'Adams Ali Andersson Bauer Becker Bianchi Brown Chopra Costa Curie Davis Diaz Dubois Evans Fischer Franklin Garcia Gomez Gupta Hamilton Hansen Hopper Ivanova Jansen Johnson Jones Kaya Khan Kim Kowalski Kumar Lamarr Lee Lopez Lovelace Martin Meyer Miller Moreau Mori Muller Nakamura Nguyen Novak Okafor Olsen Patel Perez Popescu Richter Rossi Santos Sato Schmidt Silva Singh Smith Suzuki Tanaka Taylor Turing Weber Williams Wilson'.split(
    ' ',
  )

export const CITIES =
  'Accra,Amsterdam,Athens,Bangkok,Barcelona,Berlin,Bogotá,Boston,Cairo,Chicago,Copenhagen,Dublin,Helsinki,Istanbul,Kraków,Kyoto,Lagos,Lisbon,London,Lyon,Madrid,Málaga,Montréal,Mumbai,Nairobi,Oslo,Porto,Reykjavík,São Paulo,Seoul,Toronto,Zürich'.split(
    ',',
  )

export const PLANS = ['free', 'pro', 'team', 'enterprise']
