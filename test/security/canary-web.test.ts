// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment are what is tested
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { after, before, test } from 'node:test'
import { CanaryHunt, canary } from '../support/canaries.ts'
import { type CommandLine, commandLine } from '../support/command-line.ts'
import { answerJson, bodyText, type LoopbackServer, loopbackServer } from '../support/loopback-server.ts'

/** A secret of each kind that a connection over HTTP can have. */
const SECRETS = {
  TOKEN: canary('token'),
  PASSWORD: canary('password'),
  QUERY_KEY: canary('query'),
  HEADER_KEY: canary('header'),
  HMAC_KEY: canary('hmac'),
  CLIENT_SECRET: canary('client'),
  REFRESH_TOKEN: canary('refresh'),
  HOOK_KEY: canary('hook'),
}

/** How a connection signs in; `SERVER` is the server of the test, whose first part of the path is the status to answer. */
const AUTHS: Readonly<Record<string, object>> = {
  bearer: { auth: { type: 'bearer', token: '${TOKEN}' } },
  basic: { auth: { type: 'basic', username: 'somebody', password: '${PASSWORD}' } },
  query: { auth: { type: 'api_key', query: 'api key', token: '${QUERY_KEY}' } },
  header: { auth: { type: 'api_key', header: 'X-Key', prefix: 'Key ', token: '${HEADER_KEY}' } },
  hmac: { auth: { type: 'hmac', secret: '${HMAC_KEY}' } },
  client: {
    auth: {
      type: 'oauth_client_credentials',
      token_url: 'SERVER/token',
      client_id: 'us',
      client_secret: '${CLIENT_SECRET}',
    },
  },
  refresh: {
    auth: {
      type: 'oauth_refresh',
      token_url: 'SERVER/token',
      client_id: 'us',
      client_secret: '${CLIENT_SECRET}',
      refresh_token: '${REFRESH_TOKEN}',
    },
  },
  headers: { headers: { 'X-Own': 'Key ${HEADER_KEY}' } },
}
/** Refused as a row, and as credentials by a page in HTML. What is tried again would take minutes. */
const STATUSES = [400, 401]

const people = {
  upsert: { method: 'POST', path: '/people', body: '$record', response: { record_id: '/id' } },
  insert: { method: 'POST', path: '/people', body: '$record' },
}

function configuration(server: string): object {
  const connections: Record<string, unknown> = { from: 'sqlite:./model.db' }
  const syncs: Record<string, unknown> = {}
  const add = (name: string, connection: unknown, destination: object, fields: object) => {
    connections[name] = connection
    const to = { connection: name, ...destination }
    syncs[name] = {
      source: { file: 'people.csv', trust_eof: true },
      key: 'id',
      mode: 'upsert',
      destination: to,
      fields,
    }
  }
  for (const [name, auth] of Object.entries(AUTHS)) {
    for (const status of name === 'bearer' || name === 'client' ? STATUSES : [400]) {
      const base = { type: 'http', base_url: `${server}/${status}`, allow_private_hosts: true, objects: { people } }
      const text = JSON.stringify({ ...base, ...auth }).replaceAll(
        'SERVER',
        `${server}/${status === 401 ? 401 : 'token'}`,
      )
      add(`${name}_${status}`, JSON.parse(text), { object: 'people' }, { id: 'id', name: 'name' })
    }
  }
  const hook = { type: 'http', url: `${server}/400/hook?key=\${HOOK_KEY}`, allow_private_hosts: true }
  add('hook', hook, { object: 'any' }, { id: 'id', name: 'name' })
  for (const status of STATUSES) {
    const base_url = `${server}/${status}`
    const hubspot = { object: 'contacts', match: 'email' }
    const contact = { email: 'name', jobtitle: 'id' }
    add(`hubspot_${status}`, { type: 'hubspot', token: '${TOKEN}', base_url }, hubspot, contact)
    const oauth = { client_id: 'us', client_secret: '${CLIENT_SECRET}', refresh_token: '${REFRESH_TOKEN}' }
    add(`oauth_${status}`, { type: 'hubspot', oauth, base_url }, hubspot, contact)
    const salesforce = { object: 'Contact', match: 'External_Id__c' }
    const person = { External_Id__c: 'id', LastName: 'name' }
    const app = { type: 'salesforce', client_id: 'us', client_secret: '${CLIENT_SECRET}', base_url }
    add(`salesforce_${status}`, app, salesforce, person)
    const session = { type: 'salesforce', access_token: '${TOKEN}', base_url }
    add(`session_${status}`, session, salesforce, person)
  }
  return { version: 1, state: 'state', connections, syncs }
}

/** All of a request, as servers repeat it in error pages. */
async function repeated(request: IncomingMessage) {
  const { method, url = '', headers } = request
  return { message: `cannot ${method} ${url} ${decodeURIComponent(url)}`, headers, body: await bodyText(request) }
}

let server: LoopbackServer
let cli: CommandLine
before(async () => {
  server = await loopbackServer(async (request, response) => {
    const [, first = ''] = (request.url ?? '').split('/')
    const said = await repeated(request)
    const token = { access_token: SECRETS.TOKEN, expires_in: 3600, token_type: 'bearer' }
    if (first === 'token') answerJson(response, 200, token)
    else if (first === '401') {
      const text = [said.message, ...Object.values(said.headers), said.body].join(' ').slice(0, 2000)
      response.writeHead(401, { 'content-type': 'text/html' }).end(`<html><body>${text}</body></html>`)
    } else answerJson(response, Number(first), { ...said, error: said, errors: [said], status: 'error' })
  })
  cli = commandLine(JSON.stringify(configuration(server.url)), SECRETS)
  cli.write('people.csv', 'id,name\n1,a@x.co\n2,b@x.co\n')
})
after(async () => {
  cli?.[Symbol.dispose]()
  await server?.[Symbol.asyncDispose]()
})

/** The server is in this process, which must not wait for a command without serving it. */
async function run(argv: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = cli.start(...argv)
  const printed = { stdout: '', stderr: '' }
  child.stdin.end()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...printed }
}

const COMMANDS: readonly string[] = [
  'validate -v',
  'plan -v --json',
  'run --json -v --log-format json',
  ...['query_400', 'hook', 'hubspot_400'].map((sync) => `test ${sync} -v`),
  'rejected --format ndjson',
  'history --json',
  'status -v',
]

test('no secret of a connection over HTTP is printed or kept, whatever a server repeats of a request', async (t) => {
  const hunt = new CanaryHunt()
  const codes = new Set<number | null>()
  let rejected = 0
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await run(command.split(' '))
    assert.doesNotMatch(stderr, /mistake in rowferry/, command)
    codes.add(code)
    rejected += stdout.split('"rejected"').length - 1
    hunt.look(`stdout of ${command}`, stdout)
    hunt.look(`stderr of ${command}`, stderr)
    hunt.lookIn(cli.folder)
  }
  assert.deepEqual(hunt.found, [])
  assert.ok(rejected > 0, 'nothing was rejected')
  t.diagnostic(`${COMMANDS.length} commands (exit codes ${[...codes].join(', ')}), ${hunt.places} places: no canary`)
})
