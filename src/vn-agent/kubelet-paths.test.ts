import { describe, expect, test } from 'vitest'
import { kubeletPaths } from './kubelet-paths.ts'
import { nodeRoute } from './node-routes.ts'
import { agentRoute } from './routes.ts'

/** A request for a path of the table; optional parts as `withUid` says. */
const urlOf = (path: string, withUid: boolean): string =>
  path
    .replace('[/{uid}]', withUid ? '/some-uid' : '')
    .replace('{namespace}', 'shop')
    .replace('{pod}', 'web-0')
    .replace('{container}', 'main')
    .replace('{check}', 'ping')

const servedAs = (method: string, url: string): string => {
  const read = nodeRoute(method, url)?.read
  if (read) return read.kind === 'health' ? 'answered' : 'filtered'
  return agentRoute(method, url).kind === 'route' ? 'session' : 'absent'
}

describe('the table of paths says what happens', () => {
  const rows = kubeletPaths.flatMap(({ path, methods, fate }) => methods.map((method) => [method, path, fate] as const))
  test.for(rows)('%s %s: %s', ([method, path, fate]) => {
    for (const withUid of path.includes('{uid}') ? [false, true] : [false]) {
      expect(servedAs(method, urlOf(path, withUid))).toBe(fate)
    }
  })

  test.for(rows)('%s %s: no other method', ([, path]) => {
    const allowed = kubeletPaths.find((row) => row.path === path)?.methods ?? []
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']) {
      if (!allowed.includes(method)) expect(servedAs(method, urlOf(path, false)), method).toBe('absent')
    }
  })

  test.for([
    '/pods/x',
    '/metrics/other',
    '/stats',
    '/stats/',
    '/stats/summary/x',
    '/Pods',
    '//pods',
    '/%70ods',
    '/pods;x',
    '/pods#x',
  ])('%s is not there', (url) => expect(servedAs('GET', url)).toBe('absent'))
})
