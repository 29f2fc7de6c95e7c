/** What the queue holds: one object of one tenant. Names cannot hold a slash, so the three parts stay apart. */
export interface ObjectKey {
  /** Plural of the resource: `pods`. */
  readonly resource: string
  /** `''` for cluster-scoped objects. */
  readonly namespace: string
  readonly name: string
}

export const keyOf = (resource: string, namespace: string, name: string): string => `${resource}/${namespace}/${name}`

export const parseKey = (key: string): ObjectKey => {
  const [resource = '', namespace = '', name = ''] = key.split('/')
  return { resource, namespace, name }
}

/** Key under which an informer keeps an object. */
export const storeKey = (namespace: string, name: string): string => (namespace ? `${namespace}/${name}` : name)

/** Key of a pod's token Secret. Names of pods hold no colon. */
export const tokensKey = (pod: { readonly namespace: string; readonly name: string; readonly uid: string }): string =>
  keyOf('tokens', pod.namespace, `${pod.name}:${pod.uid}`)
