/** What `berth top` can sort by: both parts of a tenant together, or what its API holds. */
export const topOrders = ['name', 'cpu', 'memory', 'pods', 'objects'] as const
export type TopOrder = (typeof topOrders)[number]
