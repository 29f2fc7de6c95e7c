import { expect, test } from 'vitest'
import { usersLabels } from './users-labels.ts'

test('users see their own labels only', () => {
  expect(usersLabels({ plan: 'gold', 'berth.dev/x': '1', 'app.kubernetes.io/managed-by': 'helm' })).toEqual({ plan: 'gold' })
})
