/** How a result can be printed: for people, with more columns for people, for programs, and as names for scripts. */
export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** True for what people read: then there may be words beside the result. */
export const isForPeople = (format: OutputFormat): boolean => format === 'table' || format === 'wide'
