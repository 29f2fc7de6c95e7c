/** So many changes of what is installed lie between this tree and the version before, where no tag says which that was: one change alone may be of no process at all. */
const changesAway = 10

/** What git knows of the way to this tree. */
export interface History {
  /** False where the tree lies in no repository. */
  readonly isRepository: boolean
  /** True where the history was cut off when it was cloned. */
  readonly isShallow: boolean
  /** True when what is installed differs from HEAD. */
  readonly isChanged: boolean
  /** Tags of versions before HEAD that install something else than this tree does, newest first. */
  readonly tags: readonly string[]
  /** HEAD and its ancestors that changed what is installed, newest first. */
  readonly commits: readonly string[]
}

/** A commit or tag to upgrade from, and why it is this one; without one, only why there is none, and what to do. */
export interface Choice {
  readonly revision?: string
  readonly reason: string
}

/** The version to upgrade from: the newest tag, or else the commit ten changes of the installation ago, or the oldest there is. */
export const choosePrevious = ({ isRepository, isShallow, isChanged, tags, commits }: History): Choice => {
  if (!isRepository)
    return { reason: 'this tree is in no git repository, so that the version before it is not known: work in a clone' }
  const [tag] = tags
  if (tag !== undefined) return { revision: tag, reason: `the newest version before this tree is ${tag}` }
  // What HEAD installs is what the newest of them made of it.
  const others = isChanged ? commits : commits.slice(1)
  const revision = others[changesAway - 1] ?? others.at(-1)
  const cut = isShallow ? ', in a shallow clone: git fetch --unshallow fetches what was before' : ''
  if (revision === undefined) return { reason: `no commit is known that installs something else than this tree${cut}` }
  const away = Math.min(changesAway, others.length)
  return {
    revision,
    reason: `${away} ${away === 1 ? 'change' : 'changes'} of what is installed ago${away < changesAway ? `, the first one known${cut}` : ''}`,
  }
}
