import { describe, expect, test } from 'vitest'
import { closedWindow } from './window.ts'

const window = { schedule: '0 2 * * 6', timeZone: 'Europe/Berlin', durationMinutes: 120 }

describe('a window that opens Saturdays at two in Berlin, for two hours', () => {
  test.each([
    ['2026-06-06T00:00:00Z', undefined],
    ['2026-06-06T01:59:59Z', undefined],
    ['2026-06-06T02:00:00Z', /opens at 2026-06-13T00:00:00/],
    ['2026-06-05T23:59:00Z', /opens at 2026-06-06T00:00:00/],
  ])('at %s', (at, expected) => {
    const said = closedWindow({ window }, new Date(at))
    if (expected) expect(said).toMatch(expected)
    else expect(said).toBeUndefined()
  })

  test('no window is always open, and one that cron does not know is an error that names it', () => {
    expect(closedWindow({}, new Date())).toBeUndefined()
    expect(() => closedWindow({ window: { ...window, schedule: '61 2 * * 6' } }, new Date())).toThrow(
      /spec\.upgrade\.window\.schedule/,
    )
  })
})
