import { describe, expect, test } from 'vitest'
import { formatSample, parseSample } from './exposition.ts'

describe('a sample', () => {
  test.for([
    'up 1',
    'node_cpu_usage_seconds_total 42.5 1795260202866',
    'container_cpu_usage_seconds_total{container="main",namespace="n",pod="web-0"} 0.0935729 1795260202866',
    'prober_probe_duration_seconds_bucket{container="a",le="+Inf"} 1',
    'odd{a="quote \\" backslash \\\\ line \\n brace } comma , equals ="} NaN',
    'huge{a=""} +Inf -5',
    'tiny 1e-05',
  ])('%s is written as it was read', (line) => {
    const sample = parseSample(line)
    expect(sample && formatSample(sample)).toBe(line)
  })

  test.for([
    '',
    '# HELP up whether it is',
    'up',
    'up{a="b" 1',
    'up{a=b} 1',
    'up{a="b"c="d"} 1',
    'up{a="b",a="c"} 1',
    'up{a="b"} 1 2 3',
    'up{a="b"} one',
    'up{a="b\\x"} 1',
    '{a="b"} 1',
    '9up 1',
    'up{a="b"} 1 # {trace="x"} 1',
  ])('%j is none', (line) => expect(parseSample(line)).toBeUndefined())
})
