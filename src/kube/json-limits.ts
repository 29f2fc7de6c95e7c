/** What the text of an answer may hold. Parts are names, entries of lists, objects and lists: what parsing costs by. */
export interface JsonLimits {
  /** Levels of objects and lists in each other. */
  readonly depth: number
  /** Parts of one object of an API server, and of a list beside its items. */
  readonly objectParts: number
  /** Parts of a whole list: what it takes of memory. */
  readonly listParts: number
  /** Items of a list: to know where each lies takes memory as well. A page is asked for with 500. */
  readonly items: number
}

/**
 * Limits for a server that may mean harm. Parsing costs by parts and not by bytes: 16 MiB of one text take 20 ms, as many of names or texts that are all
 * different half a second, in which nobody else is served. 100,000 parts take 30 ms, twice that at worst. Lists are parsed object by object, with others served in between.
 *
 * That is a pod with 6,000 variables or a ConfigMap of 20,000 names, as `managedFields` have parts for each of them too: more than anybody needs, less than etcd
 * can hold.
 *
 * Kubernetes itself reads 10,000 levels (apimachinery: `pkg/util/json/json.go`), where no kind that is synced has a tenth of these; what walks over an object
 * here does so by recursion, and would end in a stack overflow long before.
 */
export const strangersLimits: JsonLimits = { depth: 256, objectParts: 100_000, listParts: 2_000_000, items: 50_000 }

/** A smaller text is parsed in a few milliseconds whatever it holds, and looking at it would cost a fifth of that. */
export const smallestLookedAt = 16 * 1024
