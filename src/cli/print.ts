import { styleText } from 'node:util'
import Table from 'cli-table3'
import { stringify } from 'yaml'
import type { OutputFormat } from './output-formats.ts'
import { printable } from './printable.ts'

/** What people read. */
export interface Tabular {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Printable extends Tabular {
  /** What json and yaml show. */
  readonly data: unknown
  /** Lines of `-o name`. */
  readonly names: readonly string[]
  /** What `-o wide` shows; default: the same. */
  readonly wide?: Tabular
}

const noBorders = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((edge) => [edge, '']),
)

/** Columns two spaces apart, as kubectl has them. */
export const tableText = (columns: readonly string[], rows: readonly (readonly string[])[]): string => {
  const table = new Table({ chars: noBorders, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 } })
  table.push([...columns], ...rows.map((row) => row.map(printable)))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** The text of a result in the asked format, with its last newline. */
export const resultText = ({ data, names, columns, rows, wide }: Printable, format: OutputFormat): string => {
  switch (format) {
    case 'json':
      return `${JSON.stringify(data, null, 2)}\n`
    case 'yaml':
      return stringify(data)
    case 'name':
      return names.map((name) => `${name}\n`).join('')
    case 'wide':
      return resultText({ data, names, ...(wide ?? { columns, rows }) }, 'table')
    case 'table':
      return rows.length === 0 ? '' : `${tableText(columns, rows)}\n`
  }
}

/** Colour for people: only on a terminal, and not under NO_COLOR. */
export const colour = (
  style: 'green' | 'red' | 'yellow',
  text: string,
  { isTTY, env }: { isTTY?: boolean | undefined; env: Readonly<Record<string, string | undefined>> },
): string => (isTTY && !env['NO_COLOR'] ? styleText(style, text, { validateStream: false }) : text)

/** `45s`, `12m`, `5h`, `3d`: one unit, as kubectl's ages. */
export const ageText = (since: string | undefined, now: number): string => {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since ?? '')) / 1000))
  if (Number.isNaN(seconds)) return '-'
  if (seconds < 120) return `${seconds}s`
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}
