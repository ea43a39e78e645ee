import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPrivateAddress } from '../../src/connectors/web-address.ts'
import { openWebClient } from '../../src/connectors/web-client.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { loopbackServer } from '../support/loopback-server.ts'

const PRIVATE = [
  '127.0.0.1 127.255.255.255 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1',
  '198.19.0.1 224.0.0.1 255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 fec0::1 ff02::1 100::1',
  '::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::10.1.2.3',
  '2002:7f00:1:: 2002:a9fe:a9fe::1 2002:c0a8:101:: 64:ff9b:1::a9fe:a9fe 64:ff9b:1:7f00:0:1::',
].flatMap((line) => line.split(' '))

const PUBLIC = (
  '1.1.1.1 9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 192.167.0.1 169.253.0.1 169.255.0.1 100.63.0.1 100.128.0.1 ' +
  '223.255.255.255 2606:4700::1111 ::ffff:1.1.1.1 64:ff9b::1.1.1.1 2002:101:101::1'
).split(' ')

test('tells addresses of machines and networks of their own from those of the internet', () => {
  assert.deepEqual(
    PRIVATE.filter((address) => !isPrivateAddress(address)),
    [],
  )
  assert.deepEqual(PUBLIC.filter(isPrivateAddress), [])
})

test('a private host is refused however it is written, before it is connected to', async () => {
  let arrived = 0
  await using server = await loopbackServer((_, response) => response.end(String(++arrived)))
  const { signal } = new AbortController()
  await using strict = await openWebClient({ baseUrl: server.url, gate: testContext().gate, refusePrivate: true })
  for (const host of ['127.0.0.1', '127.1', '2130706433', '0x7f.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0']) {
    const url = `http://${host}:${server.port}/`
    await assert.rejects(
      strict.request({ method: 'GET', url, signal }),
      { code: 'private_host', kind: 'configuration' },
      host,
    )
  }
  assert.equal(arrived, 0)
  await using free = await openWebClient({ baseUrl: server.url, gate: testContext().gate })
  assert.equal((await free.request({ method: 'GET', url: '/', signal })).text, '1')
})
