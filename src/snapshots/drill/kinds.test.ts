import { describe, expect, test } from 'vitest'
import { folderOf, folderOfKind, missing, nameOf, type ServedKind } from './kinds.ts'

const kind = (plural: string, group = ''): ServedKind => ({ group, version: 'v1', plural, namespaced: true })

describe('the folder of a kind', () => {
  test.for<[path: string, kind: ServedKind]>([
    ['pods/work/web', kind('pods')],
    ['services/specs/work/web', kind('services')],
    ['services/endpoints/work/web', kind('endpoints')],
    ['minions/node-1', kind('nodes')],
    ['ingress/work/web', kind('ingresses', 'networking.k8s.io')],
    ['clusterroles/admin', kind('clusterroles', 'rbac.authorization.k8s.io')],
    ['example.com/widgets/work/one', kind('widgets', 'example.com')],
    ['example.com/pods/work/one', kind('pods', 'example.com')],
    ['snapshot.storage.k8s.io/volumesnapshots/work/one', kind('volumesnapshots', 'snapshot.storage.k8s.io')],
    ['apiextensions.k8s.io/customresourcedefinitions/widgets', kind('customresourcedefinitions', 'apiextensions.k8s.io')],
  ])('of %s is the same by its key and by its name', ([path, served]) => {
    expect(folderOf(path)).toBe(folderOfKind(served))
  })
})

test('fewer objects than were stored are missed, more are not', () => {
  expect(missing(kind('pods'), 3, { pods: 4 })).toBe('pods: 3 of 4 objects are listed')
  expect(missing(kind('pods'), 4, { pods: 4 })).toBeUndefined()
  expect(missing(kind('roles', 'rbac.authorization.k8s.io'), 9, { roles: 4 })).toBeUndefined()
  expect(missing(kind('widgets', 'example.com'), 0, {})).toBeUndefined()
  expect(nameOf(kind('widgets', 'example.com'))).toBe('widgets.example.com')
})
