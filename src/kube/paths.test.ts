import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { collectionPath, createPath, listPath, objectPath, patchPath, watchPath } from './paths.ts'

const codeUnit = fc.oneof(
  fc.constantFrom('.', '/', '%', '\\', '?', '#', ';', ':', '@', '&', '=', ' ', '\t', '\n'),
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
)
const anyText = fc.string({ unit: codeUnit, minLength: 1 })

const { pods, nodes, deployments } = resourceTypes

describe('API paths', () => {
  test.for<[name: string, path: string, wanted: string]>([
    ['core, all namespaces', collectionPath(pods), '/api/v1/pods'],
    ['core, one namespace', collectionPath(pods, 'n'), '/api/v1/namespaces/n/pods'],
    ['group', collectionPath(deployments, 'n'), '/apis/apps/v1/namespaces/n/deployments'],
    ['cluster-scoped, where a namespace means nothing', objectPath(nodes, { name: 'a', namespace: 'n' }), '/api/v1/nodes/a'],
    ['subresource', objectPath(pods, { name: 'p', namespace: 'n' }, 'status'), '/api/v1/namespaces/n/pods/p/status'],
    [
      'colons are encoded',
      objectPath(resourceTypes.clusterRoles, { name: 'system:a' }),
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aa',
    ],
    [
      'a page',
      listPath(pods, { limit: 5, continueToken: 'a b', labelSelector: 'x=y,z' }),
      '/api/v1/pods?labelSelector=x%3Dy%2Cz&limit=5&continue=a+b',
    ],
    [
      'a watch',
      watchPath(pods, { resourceVersion: '7' }, 300),
      '/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=7',
    ],
    ['a dry run of a patch', patchPath('/x', { dryRun: true }), '/x?dryRun=All'],
    ['a dry run of a creation', createPath('/x', { dryRun: true }), '/x?dryRun=All'],
    ['a creation', createPath('/x', {}), '/x'],
    ['a strict creation', createPath('/x', { dryRun: true, strict: true }), '/x?dryRun=All&fieldValidation=Strict'],
    ['an apply', patchPath('/x', { fieldManager: 'm', force: true }), '/x?fieldManager=m&force=true'],
  ])('%s', ([, path, wanted]) => expect(path).toBe(wanted))

  test.for(['', '.', '..', 'a/b', '../secrets', 'a%2fb', 'a\\b', 'a\0b'])('refuses %j as a name and as a namespace', (bad) => {
    expect(() => objectPath(pods, { name: bad, namespace: 'n' })).toThrow(/cannot be a name of a Pod/)
    expect(() => objectPath(pods, { name: 'p', namespace: bad })).toThrow(/namespace/)
  })

  test('a namespaced object needs a namespace', () => {
    expect(() => objectPath(pods, { name: 'p' })).toThrow('a Pod needs a namespace')
  })

  test('no name leaves its segment', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        let path: string
        try {
          path = objectPath(pods, { name, namespace: 'n' })
        } catch {
          return
        }
        const { pathname, search, hash } = new URL(path, 'https://x')
        expect(pathname.split('/').slice(0, 6)).toEqual(['', 'api', 'v1', 'namespaces', 'n', 'pods'])
        expect(pathname.split('/')).toHaveLength(7)
        expect(search + hash).toBe('')
      }),
    )
  })
})
