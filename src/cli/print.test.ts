import { describe, expect, test } from 'vitest'
import { ageText, colour, resultText } from './print.ts'

const result = {
  data: { items: [{ name: 'acme' }] },
  names: ['tenantcontrolplane.berth.dev/acme'],
  columns: ['NAME', 'READY'],
  rows: [
    ['acme', 'True'],
    ['a-longer-name', 'False'],
  ],
}

describe('a result', () => {
  test('as a table, columns aligned', () => {
    expect(resultText(result, 'table')).toBe('NAME           READY\nacme           True\na-longer-name  False\n')
  })
  test('as json, yaml and names', () => {
    expect(JSON.parse(resultText(result, 'json'))).toEqual(result.data)
    expect(resultText(result, 'yaml')).toBe('items:\n  - name: acme\n')
    expect(resultText(result, 'name')).toBe('tenantcontrolplane.berth.dev/acme\n')
  })
  test('wide: with more columns where there are more', () => {
    expect(resultText(result, 'wide')).toBe(resultText(result, 'table'))
    const wide = { columns: ['NAME', 'SIZE'], rows: [['acme', 'small']] }
    expect(resultText({ ...result, wide }, 'wide')).toBe('NAME  SIZE\nacme  small\n')
    expect(resultText({ ...result, wide }, 'json')).toBe(resultText(result, 'json'))
  })
  test('with nothing in it is nothing', () => {
    expect(resultText({ ...result, rows: [] }, 'table')).toBe('')
  })
  test('never carries an escape sequence of a tenant to the terminal', () => {
    const hostile = resultText({ ...result, rows: [['\u001b]0;owned\u0007', '\u009b2J\r\n']] }, 'table')
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(hostile).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  })
})

test('colour is for terminals, and not under NO_COLOR', () => {
  expect(colour('red', 'x', { isTTY: true, env: {} })).toContain('\u001b[')
  expect(colour('red', 'x', { isTTY: true, env: { NO_COLOR: '1' } })).toBe('x')
  expect(colour('red', 'x', { isTTY: false, env: {} })).toBe('x')
})

describe('ageText', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  test.for<[since: string | undefined, text: string]>([
    ['2026-11-21T11:59:15Z', '45s'],
    ['2026-11-21T11:48:00Z', '12m'],
    ['2026-11-21T07:00:00Z', '5h'],
    ['2026-11-18T12:00:00Z', '3d'],
    ['2026-11-21T12:00:05Z', '0s'],
    [undefined, '-'],
  ])('%s is %s', ([since, text]) => {
    expect(ageText(since, now)).toBe(text)
  })
})
