import { expect, test } from 'vitest'
import { codeOf } from './markdown.ts'

const page = `# Title

Say \`berth top\` or \`berth verify\`:

\`\`\`sh
berth top
  indented
\`\`\`
- in a list:
  <!-- test: terminal -->
  \`\`\`sh
  sh
    deeper
  \`\`\`
\`\`\`
no language
\`\`\``

test('blocks have their language, line, mark and text', () => {
  expect(codeOf(page).blocks).toEqual([
    { language: 'sh', text: 'berth top\n  indented', line: 6 },
    { language: 'sh', text: 'sh\n  deeper', line: 12, mark: 'terminal' },
    { language: '', text: 'no language', line: 16 },
  ])
})

test('code in text is told apart from blocks', () => {
  expect(codeOf(page).inline).toEqual([
    { text: 'berth top', line: 3 },
    { text: 'berth verify', line: 3 },
  ])
})

test('a mark further up is of nothing', () => {
  expect(codeOf('<!-- test: terminal -->\n\n```sh\nls\n```').blocks).toEqual([{ language: 'sh', text: 'ls', line: 4 }])
})

test('a block that does not end is told', () => {
  expect(() => codeOf('a\n```sh\nls')).toThrow('at line 3 does not end')
})
