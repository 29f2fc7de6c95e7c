/** How much an Accept header wants a media type, 0 to 1 (RFC 9110, 12.5.1): the most exact range that fits decides. */
const weightOf = (accept: string, type: string): number => {
  const [family] = type.split('/')
  const ranges = accept.split(',').map((text) => {
    const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
    const q = parameters.find((each) => each.startsWith('q='))?.slice(2)
    const weight = q === undefined ? 1 : Number(q)
    return { range, weight: weight >= 0 && weight <= 1 ? weight : 0 }
  })
  for (const wanted of [type, `${family}/*`, '*/*']) {
    const found = ranges.find(({ range }) => range === wanted)
    if (found) return found.weight
  }
  return 0
}

/** True when CSV is wanted more than JSON. */
export const prefersCsv = (accept: string | undefined): boolean =>
  accept !== undefined && weightOf(accept, 'text/csv') > weightOf(accept, 'application/json')
