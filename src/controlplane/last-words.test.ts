import { expect, test } from 'vitest'
import { lastWords } from './last-words.ts'

const etcd = (level: string, msg: string, error?: string) =>
  JSON.stringify({
    level,
    ts: '2026-06-01T00:00:00Z',
    caller: 'x.go:1',
    msg,
    ...(error && { error, stacktrace: 'main.main\n\tx.go:1' }),
  })

test.for<[name: string, lines: string[], wanted: string]>([
  ['the last three of plain lines', ['a', 'b', '', 'c', 'bad flag', ''], 'b | c | bad flag'],
  ['what says that it is an error', ['usage of etcd', 'Error: unknown flag: --bad', 'see --help'], 'Error: unknown flag: --bad'],
  [
    "etcd's failures, without what went well",
    [
      'evel":"info","msg":"cut off at the beginning"}',
      etcd('info', 'opened backend db'),
      etcd('error', 'bootstrap failed', 'proto: cannot parse'),
      etcd('info', 'closed etcd server'),
      etcd('fatal', 'discovery failed', 'proto: cannot parse'),
    ],
    'bootstrap failed: proto: cannot parse | discovery failed: proto: cannot parse',
  ],
  [
    'of a panic what it was, not where',
    [
      etcd('info', 'set cluster version'),
      'panic: runtime error: invalid memory address or nil pointer dereference',
      '[signal SIGSEGV: segmentation violation]',
      '',
      'goroutine 1 [running]:',
      'go.etcd.io/etcd/server/v3/etcdserver.bootstrap({{0x115166a, 0x7}})',
      '\tgo.etcd.io/etcd/server/v3@v3.7.3/etcdserver/bootstrap.go:114 +0xb50',
    ],
    'panic: runtime error: invalid memory address or nil pointer dereference',
  ],
  [
    "Kubernetes' failures, without time and place",
    [
      'I1121 23:41:59.552063    8454 options.go:263] external host was not specified',
      'E1121 23:41:59.552378    8454 run.go:72] "command failed" err="open /nope: no such file or directory"',
    ],
    '"command failed" err="open /nope: no such file or directory"',
  ],
  ['nothing of nothing', [''], ''],
  ['a stack alone as it is', ['goroutine 1 [running]:', 'main.main()'], 'goroutine 1 [running]: | main.main()'],
])('tells %s', ([, lines, wanted]) => {
  expect(lastWords(lines.join('\n'))).toBe(wanted)
})

test('is never longer than asked for', () => {
  expect(lastWords('x'.repeat(5000), 100)).toHaveLength(100)
})
