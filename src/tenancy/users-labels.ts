/** True for label keys of Berth and of Kubernetes, which are not for users. */
export const isReservedKey = (key: string): boolean => /^([^/]*\.)?(berth\.dev|kubernetes\.io|k8s\.io)\//.test(key)

/** Labels of an object that its user wrote. */
export const usersLabels = (all: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(all).filter(([key]) => !isReservedKey(key) && key !== 'app.kubernetes.io/managed-by'))
