/** A block of code of a page. */
export interface CodeBlock {
  readonly language: string
  readonly text: string
  /** Line of the page that its first line is on, from 1. */
  readonly line: number
  /** Words of an invisible comment `<!-- test: ... -->` on the line above the block. */
  readonly mark?: string
}

/** Code that stands in a line of text. */
export interface InlineCode {
  readonly text: string
  readonly line: number
}

const fence = /^( *)```(\S*)\s*$/
const markPattern = /^\s*<!-- test: (.+?) -->\s*$/

/** What a page has of code, in its order. Throws on a block that does not end. */
export const codeOf = (page: string): { readonly blocks: readonly CodeBlock[]; readonly inline: readonly InlineCode[] } => {
  const blocks: CodeBlock[] = []
  const inline: InlineCode[] = []
  let open: { readonly indent: string; readonly language: string; readonly line: number; readonly mark?: string } | undefined
  let held: string[] = []
  const lines = page.split('\n')
  for (const [index, line] of lines.entries()) {
    const edge = fence.exec(line)
    if (open && edge) {
      const { indent, ...rest } = open
      blocks.push({ ...rest, text: held.map((each) => each.replace(indent, '')).join('\n') })
      open = undefined
    } else if (open) {
      held.push(line)
    } else if (edge) {
      const mark = markPattern.exec(lines[index - 1] ?? '')?.[1]
      open = { indent: edge[1] ?? '', language: edge[2] ?? '', line: index + 2, ...(mark !== undefined && { mark }) }
      held = []
    } else {
      inline.push(...[...line.matchAll(/`([^`]+)`/g)].map(([, text = '']) => ({ text, line: index + 1 })))
    }
  }
  if (open) throw new Error(`the block of code at line ${open.line} does not end`)
  return { blocks, inline }
}
