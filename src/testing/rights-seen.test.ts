import { describe, expect, test } from 'vitest'
import { type AuditEvent, rightsInLog, rightsOf } from './rights-seen.ts'

const manager = { username: 'system:serviceaccount:berth-system:berth-manager' }
const syncer = { username: 'system:serviceaccount:berth-system:berth-syncer' }
const tenant = { username: 'system:serviceaccount:berth-tenants:u' }
const by = (role: string) => ({
  'authorization.k8s.io/decision': 'allow',
  'authorization.k8s.io/reason': `RBAC: allowed by ClusterRoleBinding "x" of ${role} to ServiceAccount "y"`,
})
const forbidden = { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': '' }
const event = (more: Partial<AuditEvent>): AuditEvent => ({
  verb: 'get',
  user: manager,
  objectRef: { resource: 'pods' },
  responseStatus: { code: 200 },
  annotations: by('ClusterRole "berth:manager"'),
  ...more,
})
const own = by('Role "berth-manager"')

describe('rightsOf', () => {
  test.for<[name: string, event: AuditEvent, used: readonly string[], refused: readonly string[]]>([
    ['a read', event({}), ['berth-manager get /pods'], []],
    ['a read by a Role', event({ annotations: own }), ['berth-manager get /pods'], []],
    ['a subresource', event({ objectRef: { resource: 'pods', subresource: 'log' } }), ['berth-manager get /pods/log'], []],
    ['a group', event({ objectRef: { apiGroup: 'apps', resource: 'daemonsets' } }), ['berth-manager get apps/daemonsets'], []],
    ['what is not there', event({ responseStatus: { code: 404 } }), ['berth-manager get /pods'], []],
    ['what admission refuses', event({ responseStatus: { code: 403 } }), ['berth-manager get /pods'], []],
    ['an apply that changes', event({ verb: 'patch' }), ['berth-manager patch /pods'], []],
    [
      'an apply that makes',
      event({ verb: 'patch', responseStatus: { code: 201 } }),
      ['berth-manager patch /pods', 'berth-manager create /pods'],
      [],
    ],
    ['a refusal', event({ annotations: forbidden }), [], ['berth-manager get /pods']],
    ['what everybody may', event({ annotations: by('ClusterRole "system:basic-user"') }), [], []],
    ['a kind of the operator', event({ annotations: by('ClusterRole "berth:tenant-custom-kinds"') }), [], []],
    ['somebody else', event({ user: { username: 'admin' } }), [], []],
    ['no object', event({ objectRef: {} }), [], []],
    [
      'a tenant spoken for',
      event({ verb: 'create', user: syncer, impersonatedUser: tenant, annotations: by('ClusterRole "berth:tenant"') }),
      ['tenant create /pods', 'berth-syncer impersonate /serviceaccounts'],
      [],
    ],
    [
      'a tenant who may not',
      event({ verb: 'create', user: syncer, impersonatedUser: tenant, annotations: forbidden }),
      [],
      ['tenant create /pods'],
    ],
    [
      'a tenant who may not be spoken for',
      event({ user: syncer, responseStatus: { code: 403 }, annotations: {} }),
      [],
      ['berth-syncer impersonate /serviceaccounts'],
    ],
  ])('%s', ([, given, used, refused]) => {
    expect(rightsOf(given)).toEqual({ used, refused })
  })
})

test('what was refused and then used was only not in force yet; a line that was cut off is none', () => {
  const lines = [
    event({ annotations: forbidden }),
    event({}),
    event({ verb: 'list', annotations: forbidden }),
    event({ verb: 'watch' }),
  ].map((each) => JSON.stringify(each))
  expect(rightsInLog(`${lines.join('\n').slice(0, -5)}`)).toEqual({
    used: ['berth-manager get /pods'],
    refused: ['berth-manager list /pods'],
  })
})
