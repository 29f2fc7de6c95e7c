import { expect, test } from 'vitest'
import { addedUp, parseWrites, writesBetween } from './api-writes.ts'

const metrics = `
# HELP apiserver_request_total Counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="status",verb="PATCH",version="v1"} 7
apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="POST",version="v1"} 5
apiserver_request_total{code="409",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="POST",version="v1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 9
apiserver_request_duration_seconds_count{resource="pods",verb="POST"} 5
`

test('only writes that were answered well count', () => {
  expect([...parseWrites(metrics)]).toEqual([
    ['PATCH pods/status', 7],
    ['POST pods', 5],
  ])
})

test('between two readings only what came on top is left', () => {
  const before = new Map([['POST pods', 5]])
  const after = new Map([
    ['POST pods', 5],
    ['POST pods/binding', 3],
  ])
  expect([...writesBetween(before, after)]).toEqual([['POST pods/binding', 3]])
})

test('servers are added up', () => {
  expect([...addedUp([new Map([['POST pods', 1]]), new Map([['POST pods', 2]])])]).toEqual([['POST pods', 3]])
})
