import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { createInformerStore } from './informer-store.ts'

const at = (resourceVersion: string, name = 'a'): KubeObject => ({ metadata: { namespace: 'n', name, resourceVersion } })
/** A store that has listed `objects` at version 10. */
const listed = (...objects: KubeObject[]) => {
  const store = createInformerStore()
  store.beginList('10')
  for (const object of objects) store.listed(object)
  store.endList()
  return store
}
const stored = (store: ReturnType<typeof listed>) => store.objects.get('n/a')?.object.metadata.resourceVersion

describe('informer store', () => {
  test('brings an own write in at once and tells it, as own, when the watch confirms it', () => {
    const store = listed(at('5'))
    store.observe(at('11'))
    expect(stored(store)).toBe('11')
    expect(store.watched('MODIFIED', at('11'))).toMatchObject({ kind: 'updated', old: at('5'), own: true })
    expect(store.watched('MODIFIED', at('11'))).toBeUndefined()
  })

  test('tells an own create as added', () => {
    const store = listed()
    store.observe(at('11'))
    expect(store.watched('ADDED', at('11'))).toMatchObject({ kind: 'added', old: undefined, own: true })
  })

  test('does not call a change own when others wrote in between', () => {
    const store = listed(at('5'))
    store.observe(at('13'))
    expect(store.watched('MODIFIED', at('12'))).toBeUndefined()
    expect(store.watched('MODIFIED', at('13'))).toMatchObject({ kind: 'updated', old: at('5'), own: false })
  })

  test('does not call what a list confirms own, since a list hides the steps before', () => {
    const store = listed(at('5'))
    store.observe(at('13'))
    store.prepareList()
    store.beginList('14')
    expect(store.listed(at('13'))).toMatchObject({ kind: 'updated', old: at('5'), own: false })
  })

  test('ignores a late answer for an object that the watch has seen deleted', () => {
    const store = listed()
    store.watched('ADDED', at('11'))
    store.watched('DELETED', at('12'))
    store.observe(at('11'))
    expect(stored(store)).toBeUndefined()
  })

  test('ignores a late answer that is older than what is stored', () => {
    const store = listed(at('9'))
    store.observe(at('8'))
    expect(stored(store)).toBe('9')
  })

  test('keeps an own write that is newer than the list without it', () => {
    const store = listed()
    store.beginList('11')
    store.observe(at('12'))
    expect(store.endList()).toEqual([])
    expect(stored(store)).toBe('12')
  })

  test('drops an own write that a list asked for after it does not know, after a restore', () => {
    const store = listed(at('9', 'b'))
    store.observe(at('12'))
    store.prepareList()
    expect(store.beginList('11')).toBe(true)
    store.listed(at('9', 'b'))
    expect(store.endList()).toMatchObject([{ kind: 'deleted', key: 'n/a' }])
  })

  test('drops an own write that the list should have had', () => {
    const store = listed()
    store.beginList('12')
    store.observe(at('11'))
    expect(store.endList()).toMatchObject([{ kind: 'deleted', key: 'n/a' }])
  })

  test('keeps an own re-creation when the deletion before it arrives late', () => {
    const store = listed(at('9'))
    store.observe(at('12'))
    expect(store.watched('DELETED', at('11'))).toBeUndefined()
    expect(stored(store)).toBe('12')
    expect(store.watched('ADDED', at('12'))).toMatchObject({ kind: 'updated', old: at('9') })
  })

  test('takes an older list as the truth, after a restore', () => {
    const store = listed(at('9'), at('10', 'b'))
    store.prepareList()
    expect(store.beginList('7')).toBe(true)
    expect(store.listed(at('6'))).toMatchObject({ kind: 'updated' })
    expect(store.endList()).toMatchObject([{ kind: 'deleted', key: 'n/b' }])
    expect(store.position()).toBe('7')
    store.prepareList()
    expect([store.isRewound('8'), store.isRewound('6')]).toEqual([false, true])
  })

  test('says when an event is older than what was told', () => {
    expect(listed().watched('BOOKMARK', at('9'))).toBe('rewound')
    expect(listed().watched('ADDED', at('9'))).toBe('rewound')
  })

  test('compares versions as numbers of any length', () => {
    const store = listed(at('9'))
    store.observe(at('9007199254740993'))
    store.observe(at('9007199254740992'))
    expect(stored(store)).toBe('9007199254740993')
  })

  test('follows the watch, and no own writes, where versions are not numbers', () => {
    const store = createInformerStore()
    store.beginList('x1')
    store.listed(at('x1'))
    store.endList()
    store.observe(at('x2'))
    expect(stored(store)).toBe('x1')
    expect(store.watched('MODIFIED', at('w9'))).toMatchObject({ kind: 'updated' })
    expect(store.watched('DELETED', at('a0'))).toMatchObject({ kind: 'deleted' })
  })

  test('stores and tells what keep leaves', () => {
    const store = createInformerStore<KubeObject>(({ metadata: { namespace, name } }) => ({
      metadata: { namespace: namespace ?? '', name: name ?? '' },
    }))
    store.beginList('10')
    expect(store.listed({ ...at('5'), spec: {} })?.object).toEqual({ metadata: { namespace: 'n', name: 'a' } })
    store.endList()
    expect(store.watched('MODIFIED', at('11'))?.valueOf()).toMatchObject({ kind: 'updated' })
  })
})
