import type { SalesforceField } from './salesforce-fields.ts'
import type { Cells, RowForm } from './salesforce-rows.ts'

/** A record of sObject Collections, digit by digit: no number passes through JavaScript. */
export function jsonRecord(form: RowForm, id: string | undefined, cells: Cells): string {
  let members = `"attributes":{"type":${JSON.stringify(form.object)}}`
  if (form.way === 'update') members += `,"Id":${JSON.stringify(id)}`
  for (const [index, { column }] of form.columns.entries()) {
    const cell = cells[index]
    if (cell === undefined) continue
    members += `,${cell === null ? cleared(column) : member(column, cell.bare ? cell.text : JSON.stringify(cell.text))}`
  }
  return `{${members}}`
}

function member({ field, parent }: SalesforceField, value: string): string {
  if (parent === undefined) return `${JSON.stringify(field.name)}:${value}`
  const type = parent.polymorphic ? `"attributes":{"type":${JSON.stringify(parent.object)}},` : ''
  return `${JSON.stringify(parent.relationship)}:{${type}${JSON.stringify(parent.field)}:${value}}`
}

/** A reference is cleared by its own name, whichever way the parent is found [A]. */
function cleared({ target }: SalesforceField): string {
  return `${JSON.stringify(target.name)}:null`
}
