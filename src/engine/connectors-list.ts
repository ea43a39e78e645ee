import { CONNECTORS } from '../connectors/registry.ts'
import type { DestinationDefinition, ObjectDeclaration } from '../core/destination.ts'

/** A built-in system, and what its destination declares. */
export interface ConnectorInfo {
  readonly type: string
  /** Schemes of the URL form of a connection, without colon. */
  readonly schemes: readonly string[]
  readonly summary: string
  readonly source: boolean
  /** As declared for an ordinary object; null where it is no destination. */
  readonly destination: ObjectDeclaration | null
}

/** The built-in connectors. Loads their modules and connects to nothing. */
export async function listConnectors(): Promise<ConnectorInfo[]> {
  return Promise.all(
    CONNECTORS.map(async ({ type, schemes, summary, source, destination }) => ({
      type,
      schemes,
      summary,
      source: source !== undefined,
      destination: destination === undefined ? null : declarationOf(await destination()),
    })),
  )
}

/** A declaration may depend on options: on their defaults, where there are any. */
function declarationOf(definition: DestinationDefinition): ObjectDeclaration {
  const defaults = definition.options.safeParse({})
  return definition.object('', defaults.success ? defaults.data : {})
}
