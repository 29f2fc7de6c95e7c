import { describe, expect, test } from 'vitest'
import { serverFigures } from './server-figures.ts'

describe('what a kube-apiserver says of itself', () => {
  test.for<[what: string, text: string, figures: object]>([
    [
      'objects, summed over its kinds; what could not be counted is none',
      '# HELP x\napiserver_storage_objects{resource="pods"} 12\napiserver_storage_objects{resource="b"} -1\nother{} 5',
      { objects: 12 },
    ],
    [
      'objects by the newer name where both are there',
      'apiserver_storage_objects{resource="a"} 1\napiserver_resource_objects{resource="a"} 2',
      { objects: 2 },
    ],
    [
      'requests, however large the number is written',
      'apiserver_request_total{verb="GET",code="200"} 1.5e+06\napiserver_request_total{verb="LIST",code="500"} 3',
      { requests: 1_500_003 },
    ],
    ['when it started', 'process_start_time_seconds 1.79538627886e+09', { startedAt: 1_795_386_278_860 }],
    ['not what has a longer name', 'apiserver_request_total_more{} 5\napiserver_request_terminations_total{} 2', {}],
    ['nothing of what is not there', 'up 1', {}],
  ])('%s', ([, text, figures]) => {
    const none = { objects: undefined, requests: undefined, startedAt: undefined }
    expect(serverFigures(text)).toEqual({ ...none, ...figures })
  })
})
