/** Names and messages come from tenants: an escape sequence in them must not reach the terminal. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
export const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')

/** The same of a text with lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n')
