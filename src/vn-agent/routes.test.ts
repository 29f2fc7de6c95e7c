import { describe, expect, test } from 'vitest'
import { superNamespace } from '../tenancy/names.ts'
import { agentRoute, kubeletPath, superPath } from './routes.ts'

const tenant = { uid: '11111111-2222-3333-4444-555555555555', name: 'acme' }
const base = `/api/v1/namespaces/${superNamespace(tenant, 'shop')}/pods/web-0`

const superUrl = (method: string, url: string): string => {
  const answer = agentRoute(method, url)
  return answer.kind === 'route' ? superPath(answer.route, tenant) : `${answer.status} ${answer.message}`
}

describe('what is passed on', () => {
  test.for<[method: string, url: string, superUrl: string]>([
    ['GET', '/containerLogs/shop/web-0/main', `${base}/log?container=main`],
    [
      'GET',
      '/containerLogs/shop/web-0/main?follow=true&limitBytes=10&previous=true&sinceSeconds=5&tailLines=0&timestamps=true',
      `${base}/log?container=main&follow=true&limitBytes=10&previous=true&sinceSeconds=5&tailLines=0&timestamps=true`,
    ],
    [
      'GET',
      '/containerLogs/shop/web-0/main?sinceTime=2026-11-21T08%3A00%3A00%2B01%3A00',
      `${base}/log?container=main&sinceTime=2026-11-21T08%3A00%3A00%2B01%3A00`,
    ],
    ['GET', '/containerLogs/shop/web-0/main?stream=All', `${base}/log?container=main`],
    ['GET', '/containerLogs/shop/web-0/main?stream=Stderr', `${base}/log?container=main&stream=Stderr`],
    ['GET', '/containerLogs/shop/web-0/main?follow=false', `${base}/log?container=main`],
    [
      'POST',
      '/exec/shop/web-0/main?command=sh&command=-c&command=echo+a%20b%26c&error=1&input=1&output=1&tty=1',
      `${base}/exec?container=main&command=sh&command=-c&command=echo+a%20b%26c&stderr=true&stdin=true&stdout=true&tty=true`,
    ],
    ['GET', '/exec/shop/web-0/main?command=%FF%00&output=1', `${base}/exec?container=main&command=%FF%00&stdout=true`],
    ['GET', '/exec/shop/web-0/main?command=&command=x&output=1', `${base}/exec?container=main&command=&command=x&stdout=true`],
    ['POST', '/exec/shop/web-0/0a-1b/main?command=id&output=1', `${base}/exec?container=main&command=id&stdout=true`],
    ['POST', '/attach/shop/web-0/main?output=1&tty=0', `${base}/attach?container=main&stdout=true`],
    ['GET', '/attach/shop/web-0/some-uid/main?input=1', `${base}/attach?container=main&stdin=true`],
    ['POST', '/portForward/shop/web-0', `${base}/portforward`],
    ['GET', '/portForward/shop/web-0/some-uid?port=80%2C443', `${base}/portforward?ports=80&ports=443`],
    ['GET', '/portForward/shop/web-0?port=80&port=81', `${base}/portforward?ports=80&ports=81`],
  ])('%s %s', ([method, url, wanted]) => {
    expect(superUrl(method, url)).toBe(wanted)
  })

  test('keeps the command and the UID for the log line and the owner check', () => {
    expect(agentRoute('GET', '/exec/shop/web-0/some-uid/main?command=a+b&command=%C3%A9&command=%FF&output=1')).toMatchObject({
      kind: 'route',
      route: { kind: 'exec', namespace: 'shop', pod: 'web-0', uid: 'some-uid', container: 'main', command: ['a b', 'é', '%FF'] },
    })
  })
})

describe('what a kubelet is asked', () => {
  test.for<[method: string, url: string, kubeletUrl: string]>([
    ['GET', '/containerLogs/shop/web-0/main?follow=1&tailLines=3', '/containerLogs/home/web-0/main?follow=true&tailLines=3'],
    ['GET', '/containerLogs/shop/web-0/main?stream=All', '/containerLogs/home/web-0/main'],
    [
      'POST',
      '/exec/shop/web-0/some-uid/main?command=sh&command=a+b&error=true&input=1&output=1&tty=0',
      '/exec/home/web-0/main?command=sh&command=a+b&error=1&input=1&output=1',
    ],
    ['POST', '/attach/shop/web-0/main?output=true', '/attach/home/web-0/main?output=1'],
    ['POST', '/portForward/shop/web-0', '/portForward/home/web-0'],
    ['GET', '/portForward/shop/web-0?port=80%2C443&port=81', '/portForward/home/web-0?port=80,443&port=81'],
  ])('%s %s', ([method, url, wanted]) => {
    const answer = agentRoute(method, url)
    expect(answer.kind === 'route' && kubeletPath(answer.route, 'home')).toBe(wanted)
  })
})

describe('what is not there', () => {
  test.for<[method: string, url: string]>([
    ['GET', ''],
    ['GET', '/'],
    ['GET', '*'],
    ['GET', 'https://elsewhere/containerLogs/shop/web-0/main'],
    ['GET', '/healthz'],
    ['GET', '/pods'],
    ['GET', '/runningpods/'],
    ['GET', '/metrics'],
    ['GET', '/metrics/cadvisor'],
    ['GET', '/metrics/resource'],
    ['GET', '/stats/summary'],
    ['GET', '/logs/'],
    ['GET', '/debug/pprof/'],
    ['GET', '/configz'],
    ['POST', '/run/shop/web-0/main?cmd=id'],
    ['GET', '/cri/exec/token'],
    ['POST', '/checkpoint/shop/web-0/main'],
    ['GET', '/constructor/shop/web-0/main'],
    ['GET', '/__proto__/shop/web-0/main'],
    ['GET', '/ContainerLogs/shop/web-0/main'],
    ['GET', '//containerLogs/shop/web-0/main'],
    ['GET', '/containerLogs//web-0/main'],
    ['GET', '/containerLogs/shop//main'],
    ['GET', '/containerLogs/shop/web-0/'],
    ['GET', '/containerLogs/shop/web-0'],
    ['GET', '/containerLogs/shop/web-0/main/'],
    ['GET', '/containerLogs/shop/web-0/uid/main'],
    ['GET', '/containerLogs/../web-0/main'],
    ['GET', '/containerLogs/shop/../main'],
    ['GET', '/containerLogs/shop/web-0/..'],
    ['GET', '/containerLogs/shop/./main'],
    ['GET', '/containerLogs/shop/web-0%2f..%2fother/main'],
    ['GET', '/containerLogs/shop/web-0%2Flog/main'],
    ['GET', '/containerLogs/sh%6fp/web-0/main'],
    ['GET', '/containerLogs/shop/web-0\\..\\x/main'],
    ['GET', '/containerLogs/shop/web-0;a=b/main'],
    ['GET', '/containerLogs/shop/web-0/main#x'],
    ['GET', '/containerLogs/shop/web-0/main\r\nX: y'],
    ['GET', '/containerLogs/shop/web-0\u0000/main'],
    ['GET', '/containerLogs/Shop/web-0/main'],
    ['GET', '/containerLogs/shop/-web/main'],
    ['GET', '/containerLogs/shop/web..0/main'],
    ['GET', `/containerLogs/${'a'.repeat(64)}/web-0/main`],
    ['GET', `/containerLogs/shop/${'a'.repeat(254)}/main`],
    ['GET', `/containerLogs/shop/${'a.'.repeat(127)}/main`],
    ['GET', '/exec/shop/web-0/../main?command=id&output=1'],
    ['GET', '/exec/shop/web-0/uid/more/main?command=id&output=1'],
    ['GET', '/portForward/shop/web-0/uid/more'],
    ['GET', '/portForward/shop/web-0/'],
    ['POST', '/containerLogs/shop/web-0/main'],
    ['HEAD', '/containerLogs/shop/web-0/main'],
    ['PUT', '/exec/shop/web-0/main?command=id&output=1'],
    ['DELETE', '/exec/shop/web-0/main'],
    ['CONNECT', '/exec/shop/web-0/main'],
    ['GET', '/containerLogs/shop/web-0/main?follow=true&follow=true'],
    ['GET', '/containerLogs/shop/web-0/main?tailLines=1&tailLines=2'],
    ['GET', '/containerLogs/shop/web-0/main?follow=true&'],
    ['GET', '/containerLogs/shop/web-0/main?follow=true?tailLines=1'],
    ['GET', '/containerLogs/shop/web-0/main?f%6fllow=true'],
    ['GET', '/exec/shop/web-0/main?command=a;b'],
    ['GET', '/exec/shop/web-0/main?command=%2'],
    ['GET', '/exec/shop/web-0/main?command=%zz'],
    ['GET', `/exec/shop/web-0/main?${'command=a&'.repeat(1024)}command=a`],
    ['GET', `/exec/shop/web-0/main?command=${'a'.repeat(32 * 1024)}`],
  ])('%s %s', ([method, url]) => {
    expect(superUrl(method, url)).toBe('404 not found')
  })
})

describe('options that are refused, never ignored', () => {
  test.for<[url: string, message: string]>([
    ['/containerLogs/shop/web-0/main?container=other', '400 option container is not supported here'],
    [
      '/containerLogs/shop/web-0/main?insecureSkipTLSVerifyBackend=true',
      '400 option insecureSkipTLSVerifyBackend is not supported here',
    ],
    ['/containerLogs/shop/web-0/main?toString=1', '400 option toString is not supported here'],
    ['/containerLogs/shop/web-0/main?tailLines=-1', '400 option tailLines has a value that is not allowed'],
    ['/containerLogs/shop/web-0/main?tailLines=', '400 option tailLines has a value that is not allowed'],
    ['/containerLogs/shop/web-0/main?follow=maybe', '400 option follow has a value that is not allowed'],
    ['/containerLogs/shop/web-0/main?sinceTime=yesterday', '400 option sinceTime has a value that is not allowed'],
    ['/containerLogs/shop/web-0/main?stream=Both', '400 option stream has a value that is not allowed'],
    ['/exec/shop/web-0/main?stdin=true', '400 option stdin is not supported here'],
    ['/attach/shop/web-0/main?command=id', '400 option command is not supported here'],
    ['/portForward/shop/web-0?port=0', '400 option port has a value that is not allowed'],
    ['/portForward/shop/web-0?port=65536', '400 option port has a value that is not allowed'],
    ['/portForward/shop/web-0?port=80%26x%3D1', '400 option port has a value that is not allowed'],
    ['/portForward/shop/web-0?ports=80', '400 option ports is not supported here'],
  ])('%s', ([url, message]) => {
    expect(superUrl('GET', url)).toBe(message)
  })
})

test('a tenant never leaves its own namespaces, whatever the name', () => {
  const other = { uid: '99999999-2222-3333-4444-555555555555', name: 'acme' }
  const answer = agentRoute('GET', `/containerLogs/${superNamespace(other, 'shop')}/web-0/main`)
  if (answer.kind !== 'route') throw new Error('a valid name was refused')
  expect(superPath(answer.route, tenant)).not.toContain(`/namespaces/${superNamespace(other, 'shop')}/`)
})
