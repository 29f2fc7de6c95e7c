import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventReader } from './event-text.ts'

describe('eventReader', () => {
  test.for<[name: string, text: string, wanted: readonly object[]]>([
    ['an event', 'id: 7\nevent: start\ndata: {}\n\n', [{ id: '7', event: 'start', data: '{}' }]],
    ['one without a name', 'data: x\n\n', [{ id: undefined, event: 'message', data: 'x' }]],
    ['heartbeats', ': heartbeat\n\n: heartbeat\n\n', []],
    [
      'an id stays',
      'id: 7\ndata: a\n\ndata: b\n\n',
      [expect.objectContaining({ id: '7' }), expect.objectContaining({ id: '7' })],
    ],
    ['data of more than one line', 'data: a\ndata: b\n\n', [expect.objectContaining({ data: 'a\nb' })]],
    ['no space after the colon', 'data:a\n\n', [expect.objectContaining({ data: 'a' })]],
    ['other ends of lines', 'data: a\r\n\r\n', [expect.objectContaining({ data: 'a' })]],
    ['what is not finished', 'data: a\n', []],
  ])('%s', ([, text, wanted]) => {
    expect(eventReader()(text).events).toEqual(wanted)
  })

  test('says how long to wait before coming back', () => {
    expect(eventReader()('retry: 2000\ndata: a\n\n').retryMs).toBe(2000)
    expect(eventReader()('retry: soon\ndata: a\n\n').retryMs).toBeUndefined()
  })

  test('reads the same however the text is cut', () => {
    const text = 'retry: 2000\nid: 1\nevent: start\ndata: {}\n\n: heartbeat\n\nid: 2\nevent: tenant.ready\ndata: {"a":"ü"}\n\n'
    const whole = eventReader()(text).events
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 10 }), (places) => {
        const cuts = [0, ...places.toSorted((a, b) => a - b), text.length]
        const read = eventReader()
        expect(cuts.slice(1).flatMap((end, at) => read(text.slice(cuts[at], end)).events)).toEqual(whole)
      }),
    )
  })

  test('takes no event without end', () => {
    const read = eventReader()
    expect(() => {
      for (let count = 0; count < 5; count += 1) read('x'.repeat(1024 * 1024))
    }).toThrow(RangeError)
  })
})
