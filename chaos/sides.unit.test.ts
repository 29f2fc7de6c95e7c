import { expect, test } from 'vitest'
import { differencesOf } from './sides.ts'
import type { SideObject } from './stored.ts'

const service: SideObject = { plural: 'services', name: 'web', content: 'port 80' }
const used: SideObject = { plural: 'configmaps', name: 'used', content: 'one' }
const lonely: SideObject = { plural: 'configmaps', name: 'lonely', content: 'one' }

test.for<[name: string, tenant: SideObject[], superObjects: SideObject[], wanted: string[]]>([
  ['the same', [service, used], [service, used], []],
  ['one that no pod uses is not in super', [lonely], [], []],
  ['one that pods use is not in super', [used], [], ['configmaps/used is not in super']],
  ['a Service is not in super', [service], [], ['services/web is not in super']],
  ['left over', [], [service], ['services/web is left in super']],
  ['other content', [service], [{ ...service, content: 'port 81' }], ['services/web says "port 80" and in super "port 81"']],
])('%s', ([, tenant, superObjects, wanted]) => expect(differencesOf(tenant, superObjects, new Set(['used']))).toEqual(wanted))
