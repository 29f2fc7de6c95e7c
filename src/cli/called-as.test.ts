import { expect, test } from 'vitest'
import { commandLineOf } from './called-as.ts'

test.for<[file: string, name: string, args: readonly string[]]>([
  ['berth', 'berth', ['tenant', 'li']],
  ['cli.js', 'berth', ['tenant', 'li']],
  ['kubectl-berth', 'kubectl berth', ['tenant', 'li']],
  ['kubectl-berth.js', 'kubectl berth', ['tenant', 'li']],
  ['kubectl_complete-berth', 'kubectl berth', ['__complete', '--', 'tenant', 'li']],
])('called as %s', ([file, name, args]) => {
  expect(commandLineOf(file, ['tenant', 'li'])).toEqual({ name, args })
})
