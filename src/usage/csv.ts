/** What a spreadsheet would take for a formula, or for the end of a cell. */
const wouldRun = /^[=+\-@\t\r\n]/

/** One cell (RFC 4180). Text that a spreadsheet would run gets an apostrophe before it; numbers are never quoted. */
export const csvCell = (value: string | number | boolean): string => {
  if (typeof value !== 'string') return String(value)
  const isNumber = /^-?\d+(\.\d+)?$/.test(value)
  const text = !isNumber && wouldRun.test(value) ? `'${value}` : value
  return /[",\r\n\t]|^\s|\s$|^'/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A table with a line of names before it. Lines end in CRLF, the last one too. */
export const csvOf = <K extends string>(
  columns: readonly K[],
  rows: readonly Readonly<Record<K, string | number | boolean>>[],
): string =>
  [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((cells) => `${cells.map(csvCell).join(',')}\r\n`)
    .join('')
