import { listJson, superKubectl, type Thing } from './kubectl.ts'

const typesWith = async (namespaced: boolean): Promise<string[]> => {
  const listed = await superKubectl(['api-resources', '--verbs=list', `--namespaced=${namespaced}`, '-o', 'name'])
  return listed.split('\n').filter((name) => name && !name.startsWith('componentstatuses'))
}

/** All objects of all kinds in super: of the given namespaces, or of all and of cluster scope too. */
export const everything = async (namespaces: readonly string[] | undefined, skipKinds: readonly string[]): Promise<Thing[]> => {
  const inNamespaces = (await typesWith(true)).join(',')
  const lists = namespaces
    ? await Promise.all(namespaces.map((name) => listJson(superKubectl, [inNamespaces, '-n', name])))
    : [
        await listJson(superKubectl, [inNamespaces, '--all-namespaces']),
        await listJson(superKubectl, [(await typesWith(false)).join(',')]),
      ]
  return lists.flat().filter(({ kind }) => !skipKinds.includes(kind))
}

/** True when an object's metadata or spec says the word: in a name, a namespace, a label, a reference. */
export const mentions = ({ metadata, spec }: Thing, word: string): boolean => {
  const { name, namespace, labels, annotations, ...rest } = metadata
  return JSON.stringify({ name, namespace, labels, annotations, rest, spec }).includes(word)
}
