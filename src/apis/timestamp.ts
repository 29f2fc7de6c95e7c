/** A moment as Kubernetes writes it: RFC 3339 in UTC, whole seconds (metav1.Time). */
export const timestamp = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z')
