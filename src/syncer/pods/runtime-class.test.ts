import { describe, expect, test } from 'vitest'
import type { ClassRules } from '../../apis/tenant-control-plane.ts'
import { tenantClasses } from '../../tenancy/classes.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import type { Pod } from './pod.ts'
import { chosenRuntimeClass, runtimeClassNotes, runtimeClassRefusal } from './runtime-class.ts'

const superClasses = ['kata', 'gvisor'].map((name) => ({ metadata: { name } }))
const context = (runtime?: ClassRules['runtime'], profile: 'baseline' | 'sandboxed' = 'baseline') =>
  aSyncContext({
    isolation: { profile },
    classes: tenantClasses(runtime && { runtime }, () => ({
      list: () => superClasses,
      get: (name) => superClasses.find(({ metadata }) => metadata.name === name),
    })),
  })
const pod = (runtimeClassName?: string) => aTenantPod(runtimeClassName === undefined ? {} : { runtimeClassName }) as Pod

describe('the runtime class of a pod', () => {
  test.for<[name: string, rule: ClassRules['runtime'], named: string | undefined, wanted: string | undefined]>([
    ['none', undefined, undefined, undefined],
    ['what it names', undefined, 'kata', 'kata'],
    ['the default where it names none', { default: 'gvisor' }, undefined, 'gvisor'],
    ['what it names, not the default', { default: 'gvisor' }, 'kata', 'kata'],
    ['the forced one', { forced: 'gvisor' }, undefined, 'gvisor'],
    ['the forced one, whatever it names', { forced: 'gvisor', default: 'kata', allowed: ['kata'] }, 'kata', 'gvisor'],
    ['an empty name is none', { default: 'gvisor' }, '', 'gvisor'],
  ])('%s', ([, rule, named, wanted]) => {
    const ctx = context(rule)
    expect(chosenRuntimeClass(pod(named), ctx)).toBe(wanted)
    expect(runtimeClassRefusal(pod(named), ctx)).toBeUndefined()
  })

  test.for<[name: string, ctx: ReturnType<typeof context>, named: string | undefined, reason: string]>([
    ['super lacks the forced one', context({ forced: 'gone' }), 'kata', 'RuntimeClassMissing'],
    ['super lacks the default', context({ default: 'gone' }), undefined, 'RuntimeClassMissing'],
    ['it names one that is not allowed', context({ allowed: ['gvisor'] }), 'kata', 'RuntimeClassNotAllowed'],
    ['it names one that is not there', context(), 'gone', 'RuntimeClassNotAllowed'],
    ['a sandbox is meant and none is forced', context({ default: 'kata' }, 'sandboxed'), 'kata', 'RuntimeClassNeeded'],
  ])('refused when %s', ([, ctx, named, reason]) => {
    expect(runtimeClassRefusal(pod(named), ctx)?.reason).toBe(reason)
  })

  test('that was forced on it is told', () => {
    const ctx = context({ forced: 'gvisor' })
    expect(runtimeClassNotes(pod('kata'), ctx)).toMatchObject([{ reason: 'RuntimeClassForced' }])
    expect([
      ...runtimeClassNotes(pod('gvisor'), ctx),
      ...runtimeClassNotes(pod(), ctx),
      ...runtimeClassNotes(pod('kata'), context()),
    ]).toEqual([])
  })

  test('where one is forced the tenant has no other', () => {
    const { classes } = context({ forced: 'gvisor', default: 'kata', allowed: ['kata'], selector: {} })
    expect(['kata', 'gvisor'].filter((name) => classes.allows('RuntimeClass', name))).toEqual(['gvisor'])
  })
})
