import { answerJson, bodyText, type LoopbackServer, loopbackServer } from './loopback-server.ts'

export type HubspotInputs = readonly Readonly<Record<string, unknown>>[]

/** What is answered to a batch call. A text goes out as a page. */
export interface HubspotAnswer {
  readonly status?: number
  readonly body: object | string
}

/** A HubSpot of two properties, `email` and `firstname`, whose batches are answered as a test wants it. */
export async function answeringHubspot(
  batch: (inputs: HubspotInputs, path: string) => HubspotAnswer,
): Promise<LoopbackServer> {
  return await loopbackServer(async (request, response) => {
    const path = request.url ?? ''
    if (request.method === 'GET') {
      const properties = ['email', 'firstname'].map((name) => ({ name, type: 'string', fieldType: 'text' }))
      return answerJson(response, 200, { results: path.includes('/properties/') ? properties : [] })
    }
    const { inputs } = JSON.parse(await bodyText(request)) as { inputs: HubspotInputs }
    const { status = 200, body } = batch(inputs, path)
    if (typeof body !== 'string') return answerJson(response, status, body)
    response.writeHead(status, { 'content-type': 'text/html' }).end(body)
  })
}

/** A result of a batch that writes. */
export function writtenResult(input: HubspotInputs[number] | undefined, id: string): object {
  return { id, objectWriteTraceId: input?.['objectWriteTraceId'] }
}
