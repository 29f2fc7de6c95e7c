/** Methods of the routes whose pattern a URL fits, in order: what a path answers that was asked by another method. */
export const methodsOf = (
  routes: readonly { readonly method: string; readonly url: string }[],
  url: string,
): readonly string[] => {
  const parts = (url.split('?', 1)[0] ?? '').split('/')
  const fits = (pattern: string): boolean => {
    const wanted = pattern.split('/')
    return (
      wanted.length === parts.length &&
      wanted.every((part, at) => part === parts[at] || (part.startsWith(':') && parts[at] !== ''))
    )
  }
  return [...new Set(routes.filter(({ url: pattern }) => fits(pattern)).map(({ method }) => method))].toSorted()
}
