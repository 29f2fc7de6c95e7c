import { expect, test } from 'vitest'
import { answerForTenant } from './super-answer.ts'

const names = {
  superNamespace: 'acme-shop-abc',
  namespace: 'shop',
  identity: 'system:serviceaccount:berth-tenants:tenant-1',
  superUid: 'uid-in-super',
  uid: 'uid-of-tenant',
}
const isAboutAgent = (status: number): boolean => status === 401
const statusOf = (message: string): string => JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message })

test('gives the reason in the words of the tenant', () => {
  const body = statusOf('container "main" in pod "web-0" of acme-shop-abc is waiting to start: ContainerCreating')
  expect(answerForTenant({ status: 400, contentType: 'application/json', body }, names, isAboutAgent)).toEqual({
    status: 400,
    contentType: 'text/plain; charset=utf-8',
    body: 'container "main" in pod "web-0" of shop is waiting to start: ContainerCreating\n',
  })
})

test('names neither the identity nor the super namespace of a refusal', () => {
  const body = statusOf(`pods "web-0" is forbidden: User "${names.identity}" cannot create resource in namespace "acme-shop-abc"`)
  const answer = answerForTenant({ status: 403, contentType: 'application/json', body }, names, isAboutAgent)
  expect(answer.body).toBe('pods "web-0" is forbidden: User "the tenant" cannot create resource in namespace "shop"\n')
})

test('names the pod by the UID that the tenant knows', () => {
  const body = 'unable to find container main in web-0_acme-shop-abc(uid-in-super)'
  const answer = answerForTenant({ status: 404, contentType: 'text/plain', body }, names, isAboutAgent)
  expect(answer.body).toBe('unable to find container main in web-0_shop(uid-of-tenant)\n')
})

test('passes text that is no Status as it is', () => {
  expect(answerForTenant({ status: 500, contentType: 'text/plain', body: 'no runtime\n' }, names, isAboutAgent).body).toBe(
    'no runtime\n',
  )
  expect(answerForTenant({ status: 500, contentType: 'application/json', body: '{broken' }, names, isAboutAgent).body).toBe(
    '{broken\n',
  )
})

test('a refused agent is not a refused tenant', () => {
  expect(
    answerForTenant({ status: 401, contentType: 'application/json', body: statusOf('Unauthorized') }, names, isAboutAgent).status,
  ).toBe(502)
})
