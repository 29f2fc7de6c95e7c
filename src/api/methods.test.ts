import { expect, test } from 'vitest'
import { methodsOf } from './methods.ts'

const routes = [
  { method: 'GET', url: '/v1/things' },
  { method: 'POST', url: '/v1/things' },
  { method: 'GET', url: '/v1/things/:thing' },
]

test.for<[url: string, methods: readonly string[]]>([
  ['/v1/things', ['GET', 'POST']],
  ['/v1/things?limit=1', ['GET', 'POST']],
  ['/v1/things/a', ['GET']],
  ['/v1/things/', []],
  ['/v1/things/a/b', []],
  ['/', []],
])('%s: %j', ([url, methods]) => {
  expect(methodsOf(routes, url)).toEqual(methods)
})
