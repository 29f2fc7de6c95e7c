/** What stories need beside a cluster. */
export const storyPrograms = ['helm'] as const
